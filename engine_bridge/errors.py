"""The exception tree.

    InputError (ValueError)        the user's mistake: one line with field, value and way out; exit status 2
    ├── SchemaError                a character file or a set of values that does not fit its schema
    └── UnknownCharacterError      no schema of that name
    EngineError (RuntimeError)     engine trouble; exit status 3
    ├── EngineUnavailableError     the engine cannot be started or reached
    ├── EngineTimeoutError         a wait passed its deadline
    ├── EngineLostError            the connection to an engine ended, or the engine said goodbye
    ├── EngineBuildChangedError    an engine came back as another build, or with other schemas
    ├── ProtocolError              a message that breaks the engine protocol
    ├── RequestRefusedError        the engine answered a request with an error instead of a frame
    └── FrameRejectedError         a frame that cannot be trusted: wrong id, size, type, mask or content

Packages further up derive their own errors from these two families, so the command line needs to know only two
classes, and the one that is nobody's mistake and no engine's trouble: a gate that was not met (``flows.gates``, exit
status 4).
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


class EngineLostError(EngineError):
    """The connection to an engine ended, or the engine said goodbye."""


class EngineBuildChangedError(EngineError):
    """An engine came back as another build, or with other schemas, than the run was begun with."""


class ProtocolError(EngineError):
    """A message that breaks the engine protocol. ``code`` is that of the ``error`` or ``refusal`` which answers it."""

    def __init__(self, message: str, *, code: str = "bad_message") -> None:
        super().__init__(message)
        self.code = code


class RequestRefusedError(EngineError):
    """The engine answered with an error instead of a frame; ``code`` is the protocol's."""

    def __init__(self, message: str, *, code: str = "render_failed", request_ids: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.code, self.request_ids = code, request_ids
