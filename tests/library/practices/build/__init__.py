"""What can be seen while the image is built."""
