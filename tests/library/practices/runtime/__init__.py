"""What can be seen while the container runs."""
