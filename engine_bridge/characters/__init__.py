"""The shipped character types, as YAML."""
