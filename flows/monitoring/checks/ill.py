"""What a check raises."""

from __future__ import annotations


class IllError(RuntimeError):
    """Something is not well; ``fix`` is the command that mends it, or an instruction."""

    def __init__(self, detail: str, fix: str) -> None:
        super().__init__(detail)
        self.fix = fix
