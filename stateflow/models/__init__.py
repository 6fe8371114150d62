"""How models are reached: one small protocol, and whoever speaks it."""
