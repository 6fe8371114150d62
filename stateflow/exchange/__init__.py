"""Flows as text that other programs read and write, and back."""
