"""Orchestration only: order, retries, caching, the command line. Read pipeline.py first."""
