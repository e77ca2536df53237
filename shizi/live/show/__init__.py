"""What people see of a room while it runs."""
