"""What can be seen of the database behind the app."""
