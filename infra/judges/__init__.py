"""Installs the judges' weights."""
