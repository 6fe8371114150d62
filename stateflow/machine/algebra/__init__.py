"""What guards say between them: proved, or shown by a view."""
