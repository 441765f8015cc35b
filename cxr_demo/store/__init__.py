"""What evaluations leave behind: SQLite files, one commit per image."""
