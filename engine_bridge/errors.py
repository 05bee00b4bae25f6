"""The exception tree.

    InputError (ValueError)        the user's mistake: one line with field, value and way out; exit status 2
    ├── SchemaError                a character file or a set of values that does not fit its schema
    └── UnknownCharacterError      no schema of that name
    EngineError (RuntimeError)     engine trouble; exit status 3
    ├── EngineUnavailableError     the engine cannot be started or reached
    ├── EngineTimeoutError         a wait passed its deadline
    └── FrameRejectedError         a frame that cannot be trusted: wrong id, size, type, mask or content

Packages further up derive their own errors from these two families and from nothing else, so the command line
needs to know only two classes.
"""

from __future__ import annotations


class InputError(ValueError):
    """The user's mistake. The message is one line: the field, the value, and the way out."""


class SchemaError(InputError):
    """A character file, or values given for one, that do not fit the schema."""


class UnknownCharacterError(InputError):
    """No schema of that name in any of the searched folders."""


class EngineError(RuntimeError):
    """Engine trouble. Nothing that was already written is lost by it."""


class EngineUnavailableError(EngineError):
    """The engine cannot be started or reached."""


class EngineTimeoutError(EngineError):
    """The engine did not answer before its deadline."""


class FrameRejectedError(EngineError):
    """A frame that cannot be trusted: wrong id, size, type, mask or content."""
