"""What a Python process is about to do to files: counted, and deadly at a chosen moment.

Python announces every file that it opens, renames or removes before it does so, wherever in whatever library that is. A
process that listens can be killed between any two of these moments, again and again the same ones. Files that code in
other languages writes (SQLite, Arrow, PyTorch's archive) are not announced; kills at moments in time meet them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_CHANGES: Final = frozenset(
    {"os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree", "sqlite3.connect"}
)
_WRITES: Final = frozenset("wax+")
_WRITING_FLAGS: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, kw_only=True)
class Deadly:
    """The process is killed just before the change number ``at`` (from 0) of a file whose path contains ``part``."""

    part: str
    at: int


def listen(parts: Sequence[str], deadly: Deadly | None) -> Counter[str]:
    """Count this process's changes of files by the ``parts`` of paths from now on. It cannot be ended again."""
    seen: Counter[str] = Counter()

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" and event not in _CHANGES:
            return
        if event == "open" and not _is_writing(*arguments[1:3]):
            return
        paths = [os.fspath(path) for path in arguments[:2] if isinstance(path, str | Path)]
        for part in parts:
            if any(part in path for path in paths):
                if deadly is not None and part == deadly.part and seen[part] == deadly.at:
                    os.kill(os.getpid(), signal.SIGKILL)
                seen[part] += 1

    sys.addaudithook(hear)
    return seen


def write_counts(seen: Counter[str], path: Path) -> None:
    """Leave the counts for another process."""
    path.write_text(json.dumps(seen), encoding="utf-8")


def read_counts(path: Path) -> Counter[str]:
    """What :func:`write_counts` left."""
    return Counter(json.loads(path.read_text(encoding="utf-8")))


def _is_writing(mode: str | None, flags: int) -> bool:
    return bool(_WRITES.intersection(mode)) if isinstance(mode, str) else bool(flags & _WRITING_FLAGS)
