"""Where journals lie: in memory, in SQLite, in files of JSON lines."""
