"""``make score``: a stranger's project is copied, isolated, built, started and asked, and what came of it told."""
