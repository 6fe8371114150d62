"""What happened: events, the fold over them, their canonical form.  Pure."""
