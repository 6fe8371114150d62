"""Flows with one change each, and whether tests notice."""
