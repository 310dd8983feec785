"""What visitors notice when another version is deployed."""
