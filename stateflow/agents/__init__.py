"""Who can speak: assistants, functions, scripts."""
