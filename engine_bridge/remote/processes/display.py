"""A virtual screen of an engine's own: Xvfb on a display number that it finds itself, behind a secret cookie."""

from __future__ import annotations

import os
import secrets
import select
import signal
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from engine_bridge.remote.processes.prctl import die_with_parent

_START_S, _END_S = 20.0, 3.0
#: A window of the largest picture fits; one byte less of it would be memory hardly saved.
_SCREEN: Final = "2048x2048x24"
_ANY_DISPLAY: Final = 0xFFFF  # FamilyWild of Xauth.h: the cookie is good for whatever number Xvfb finds


class DisplayError(OSError):
    """The virtual screen did not start."""


@contextmanager
def virtual_screen(scratch: Path) -> Iterator[dict[str, str]]:
    """The variables with which a program finds the screen. ``scratch`` keeps the cookie. Raises DisplayError."""
    cookie = scratch / "xauthority"
    write_cookie(cookie, secrets.token_bytes(16))
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-auth", str(cookie), "-screen", "0", _SCREEN]
    try:
        server = subprocess.Popen(
            [*command, "-nolisten", "tcp", "-noreset"],
            pass_fds=(writing,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, signal.SIGTERM),  # noqa: PLW1509  # safe: the keeper has one thread
        )
    except OSError as error:
        os.close(reading)
        raise DisplayError(f"Xvfb cannot be started: {error}; apt-get install xvfb") from error
    finally:
        os.close(writing)
    try:
        yield {"DISPLAY": f":{_display_number(reading)}", "XAUTHORITY": str(cookie)}
    finally:
        os.close(reading)
        _end(server)


def write_cookie(path: Path, cookie: bytes) -> None:
    """An Xauthority file with one cookie for every display, readable by its owner only.

    Written here and not by the program ``xauth``, on whose command line anybody could read it.
    """
    name = b"MIT-MAGIC-COOKIE-1"
    fields = (b"", b"", name, cookie)  # address, display number, kind, secret
    entry = struct.pack(">H", _ANY_DISPLAY) + b"".join(struct.pack(">H", len(field)) + field for field in fields)
    path.touch(mode=0o600)
    path.write_bytes(entry)


def _display_number(reading: int) -> int:
    """What Xvfb writes once it takes connections."""
    if not select.select([reading], [], [], _START_S)[0]:
        raise DisplayError(f"Xvfb did not start in {_START_S:.0f} s")
    try:
        return int(os.read(reading, 16))
    except ValueError:
        raise DisplayError("Xvfb ended while starting; try: Xvfb :99") from None


def _end(server: subprocess.Popen[bytes]) -> None:
    """By a signal that it can hear, so that it removes its lock file and its socket."""
    server.terminate()
    try:
        server.wait(_END_S)
    except subprocess.TimeoutExpired:
        server.kill()
        with suppress(subprocess.TimeoutExpired):
            server.wait(_END_S)
