"""The software engine: a bone-driven head rendered on the CPU. For tests and development, never evidence."""

from engine_bridge.mock.engine import MockEngine

__all__ = ["MockEngine"]
