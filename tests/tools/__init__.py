"""What ``make score``, ``practice``, ``exercise`` and ``audit`` run, and what the tests ask of the articles."""
