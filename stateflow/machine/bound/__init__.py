"""What a run can take at most."""
