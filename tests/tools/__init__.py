"""What ``make score``, ``practice``, ``adopt`` and ``exercise`` run, and what the tests ask of the articles."""
