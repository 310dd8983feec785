"""What ``make score``, ``practice`` and ``exercise`` run, and what the tests ask of the articles."""
