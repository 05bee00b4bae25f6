"""The software engine: a bone-driven head rendered on the CPU. For tests and development, never evidence."""
