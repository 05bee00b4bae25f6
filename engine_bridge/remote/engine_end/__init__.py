"""The engine's end of the wire in Python, honest (client) or not (faults)."""
