"""Replay as a test: the pytest plugin has its place here."""
