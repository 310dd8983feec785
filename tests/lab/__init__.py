"""What was measured once, and is repeated: README.md says why. It imports the core, never the other way."""
