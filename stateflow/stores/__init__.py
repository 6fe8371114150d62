"""Where journals and the content of files lie: in memory, in SQLite, beside JSON lines."""
