"""What an attacker would like to find otherwise."""
