"""What is in the image, and what the app makes of it."""
