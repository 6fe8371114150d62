"""A run: the door, the core loop, the runner and its shorthands."""
