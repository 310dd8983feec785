"""What ``make practice`` and ``exercise`` run, and which commands an article has."""
