"""What an error means for whoever ordered the work, and how it is told in one line."""

from __future__ import annotations

from engine_bridge.errors import EngineError, InputError
from flows.cancellation import is_cancellation
from flows.gates.gate import GateError
from flows.leases import BusyError
from flows.nights.records import Ending


def ending_of(error: Exception) -> Ending:
    """Refused, skipped, interrupted or failed."""
    if isinstance(error, GateError):
        return "refused"
    if isinstance(error, BusyError):
        return "skipped"
    return "interrupted" if is_cancellation(error) else "failed"


def one_line(error: Exception) -> str:
    """Its words; of an error that nobody expects its type as well."""
    told = " ".join(str(error).split())
    expected = isinstance(error, InputError | EngineError | GateError | OSError)
    return told if expected and told else f"unexpected {type(error).__name__}: {told}"
