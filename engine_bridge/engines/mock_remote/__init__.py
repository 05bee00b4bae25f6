"""The mock engine speaking the wire protocol, from a process of its own and, if wanted, with faults."""

from engine_bridge.engines.mock_remote.serving import serve_mock

__all__ = ["serve_mock"]
