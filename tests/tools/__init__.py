"""What ``make measure``, ``make docs`` and ``make links`` run, and what the tests ask of the pages."""
