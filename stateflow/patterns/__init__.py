"""Conversation patterns: functions that return a plain flow, to be drawn, checked and replayed."""
