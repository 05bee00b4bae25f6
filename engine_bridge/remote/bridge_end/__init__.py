"""The bridge's end of the wire: engines dial the hub, and what they answer is verified before it becomes a frame."""
