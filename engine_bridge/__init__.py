"""What an engine accepts and returns. Knows nobody: neither torch nor Prefect is imported here."""
