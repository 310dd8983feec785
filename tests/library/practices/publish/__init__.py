"""What can be seen where an image is published, and where it is deployed from."""
