"""Engines in other processes and on other machines: the wire protocol (docs/protocol.md) and its two ends."""
