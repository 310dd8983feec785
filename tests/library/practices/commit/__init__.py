"""What can be seen before anything is built, when a change is committed."""
