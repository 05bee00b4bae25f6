"""The errors of this package, both users' mistakes with the way out in one line."""

from __future__ import annotations

from engine_bridge.errors import InputError


class DatasetError(InputError):
    """A dataset that cannot be trusted or does not fit what was asked: the message names the file and the field."""


class PhotoError(InputError):
    """A photo that cannot be used: the message names the file and says why."""
