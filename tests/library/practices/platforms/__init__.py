"""What can be seen of the files that hand an image to a platform."""
