"""Recorded runs as text that people review."""
