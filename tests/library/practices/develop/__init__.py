"""What can be seen while somebody writes the app."""
