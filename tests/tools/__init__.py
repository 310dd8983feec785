"""What ``make measure``, ``make docs`` and ``make links`` run, and what draws the pictures."""
