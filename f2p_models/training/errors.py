"""What can go wrong in training; the user's to mend, so exit status 2."""

from __future__ import annotations

from engine_bridge.errors import InputError


class TrainingError(InputError):
    """Training cannot go on, or must not begin, as it is set up."""
