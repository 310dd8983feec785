"""``make adopt``: what it guesses of a project, tries and repairs. It uses the tools, never the other way."""
