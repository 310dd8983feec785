"""What ``make docs``, ``score``, ``practice``, ``adopt`` and ``exercise`` run, and what the tests ask of the pages."""
