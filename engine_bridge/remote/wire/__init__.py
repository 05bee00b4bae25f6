"""What travels: messages and their bytes, pictures, stamps, and one connection. Pure but for the connection."""
