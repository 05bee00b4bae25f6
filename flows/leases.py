"""Who works on a folder, so that nobody else does. A lease has an owner, whom others can name, and ends with them.

On one machine the lease is a lock of the operating system, which goes with its process however that ends. Machines that
share a file system may not see each other's locks, so the owner also leaves a file behind and touches it now and then.
Whoever finds a file of another machine watches it: one that is still touched has an owner, one that stays still for
``EXPIRY_S`` has none and is taken over. Only the watcher's own monotonic clock counts, and only whether the file
changes: clocks that differ, jump or change to summer time make no difference. The file of an earlier start of the same
machine has no owner: nobody outlives a power cut.

A lease saves double work; nobody's results depend on it, because files appear complete or not at all and the same
inputs give the same bytes.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import platform
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Final

from engine_bridge.errors import InputError
from flows.progress import say

#: How often an owner shows that it lives, and how long the silence of another machine's owner is tolerated.
BEAT_S: Final = 5.0
EXPIRY_S: Final = 60.0
_LOOK_S: Final = 0.1
#: Whoever asks for the holder has the lock for a moment; that is no reason to refuse anybody.
_GRACE_S: Final = 0.3
#: After a take-over: two machines that did it at the same moment know by then whose file stayed.
_SETTLE_S: Final = 2.0
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_MACHINE_ID: Final = Path("/etc/machine-id")
#: What file systems without locks answer.
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})
#: Owners' files that were silent for long enough, with what they looked like: nobody waits twice for the same silence.
_found_silent: dict[Path, tuple[str, int]] = {}


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who holds a lease.

    machine       which start of which machine, so that containers of one machine share it and a reboot changes it
    run           id of the run, empty for work outside of runs
    since         UTC, for people
    token         different for every lease
    installation  the same after every start of the machine; empty where it is not known
    """

    host: str
    machine: str
    pid: int
    run: str
    since: str
    token: str
    installation: str = ""

    def __str__(self) -> str:
        of_run = f" ({self.run})" if self.run else ""
        return f"process {self.pid} on {self.host}{of_run}, since {self.since}"


class BusyError(InputError):
    """Somebody else works there. ``owner`` is None for one that cannot be named."""

    def __init__(self, what: str, owner: Owner | None) -> None:
        who = f": {owner}" if owner else ""
        super().__init__(
            f"{what}: another f2p process is working on it{who}; wait for that one to end, as 'f2p run --wait' does"
        )
        self.owner = owner


@dataclass(frozen=True)
class _Place:
    """What a lease is for, in words, and where its two files lie."""

    what: str
    stem: Path

    @property
    def lock(self) -> Path:
        return self.stem.with_suffix(".lock")

    @property
    def owner(self) -> Path:
        return self.stem.with_suffix(".owner")


@contextmanager
def lease(
    folder: Path,
    locks: Path,
    *,
    what: str = "",
    run: str = "",
    wait_s: float = 0.0,
    expiry_s: float = EXPIRY_S,
    beat_s: float = BEAT_S,
) -> Iterator[Owner]:
    """Hold the lease of a folder, which need not exist. ``locks`` is the folder of lease files that all share.

    ``what`` is its name in messages, by default the folder's path.
    Waits up to ``wait_s`` for another owner to end, then raises BusyError, which names it.
    """
    locks.mkdir(parents=True, exist_ok=True)
    place = _place(folder, locks, what)
    deadline = monotonic() + max(wait_s, _GRACE_S)
    with place.lock.open("a") as lock:
        trusted = _await_lock(lock, place, deadline)
        dead = _await_silence(place, deadline, expiry_s, trusted)
        owner = _claim(place, run, dead, trusted)
        with _beating(place, owner, beat_s):
            yield owner


def holder(folder: Path, locks: Path, *, expiry_s: float | None = EXPIRY_S) -> Owner | None:
    """Who holds the lease of a folder at this moment; None for nobody.

    An owner on another machine is watched for ``expiry_s`` at most, as :func:`lease` does it. With None nobody is
    watched, and every owner on another machine counts.
    """
    place = _place(folder, locks, "")
    try:
        with place.lock.open("a") as lock:
            locked = _locked(lock)
    except OSError:  # no lock file, or no right to write: nobody of this machine has it
        locked = True
    if locked is False:
        return _read(place) or _unknown()
    trusted = bool(locked)
    if expiry_s is None:
        owner = _read(place)
        return None if owner is None or _has_ended(owner, trusted) else owner
    owner, lives = _watch(place, expiry_s, trusted)
    return owner if lives else None


def _place(folder: Path, locks: Path, what: str) -> _Place:
    """Named by the way from the lease files to the folder, which is the same wherever a machine mounts them."""
    way = os.path.relpath(folder.resolve(), locks.resolve())
    return _Place(what or str(folder), locks / hashlib.sha256(way.encode()).hexdigest()[:16])


def _await_lock(lock: IO[str], place: _Place, deadline: float) -> bool:
    """Whether the lock is ours in the end. Where there are no locks, the owner's file alone has to do."""
    while (locked := _locked(lock)) is False:
        _wait_or_give_up(place, _read(place), deadline)
    return bool(locked)


def _locked(lock: IO[str]) -> bool | None:
    """Whether the lock is ours now; None where there are no locks."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return None
    return True


def _await_silence(place: _Place, deadline: float, expiry_s: float, trusted: bool) -> Owner | None:
    """Return once no owner shows that it lives: the one whose file is there, or None where there is no file."""
    asking = True
    while True:
        owner, lives = _watch(place, expiry_s, trusted, asking=asking)
        if not lives:
            return owner
        _wait_or_give_up(place, owner, deadline)
        asking = False  # it has been told that somebody is waited for


def _watch(place: _Place, expiry_s: float, trusted: bool, *, asking: bool = True) -> tuple[Owner | None, bool]:
    """Whose file is there, and whether the owner lives: until the file changes, or was still for ``expiry_s``."""
    first, since = None, monotonic()
    while (owner := _read(place)) is not None and not _has_ended(owner, trusted):
        touched = (owner.token, _touched(place))
        if touched == _found_silent.get(place.owner):
            return owner, False
        if first is None:
            first = touched
            if asking:
                say(f"  [dim]is {owner} still alive? its silence is waited for, {expiry_s:.0f} s at most[/]")
        if touched != first:
            return owner, True
        if monotonic() - since >= expiry_s:
            _found_silent[place.owner] = touched
            return owner, False
        sleep(min(_LOOK_S, expiry_s / 4))
    return owner, False


def _has_ended(owner: Owner, trusted: bool) -> bool:
    """Whether that is certain without watching. One of this start would have the lock, where that is ``trusted``."""
    if owner.machine == _machine():
        return trusted
    return bool(owner.installation) and (owner.host, owner.installation) == (platform.node(), _installation())


def _wait_or_give_up(place: _Place, owner: Owner | None, deadline: float) -> None:
    if monotonic() >= deadline:
        raise BusyError(place.what, owner)
    sleep(_LOOK_S)


def _claim(place: _Place, run: str, dead: Owner | None, trusted: bool) -> Owner:
    """Put our name there, in the place of the ``dead`` owner's if there is one.

    Raises BusyError when another machine was quicker, or took over at the same moment and came last.
    """
    owner = Owner(
        host=platform.node(),
        machine=_machine(),
        pid=os.getpid(),
        run=run,
        since=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        token=secrets.token_hex(8),
        installation=_installation(),
    )
    created = dead is None and _create(place, owner)
    if not created:
        _replace(place, dead, owner)
    of_ours = dead is not None and dead.machine == owner.machine
    if not trusted or not (created or of_ours):
        sleep(_SETTLE_S)
        found = _read(place)
        if found != owner:
            raise BusyError(place.what, found)
    return owner


def _replace(place: _Place, dead: Owner | None, owner: Owner) -> None:
    """Our name instead of the dead owner's, or of what says nothing. Raises BusyError for somebody else's name."""
    found = _read(place)
    if found not in (None, dead, owner):  # ours: a file server may forget to say that it has made the file
        raise BusyError(place.what, found)
    _write(place, owner)


@contextmanager
def _beating(place: _Place, owner: Owner, beat_s: float) -> Iterator[None]:
    over = threading.Event()
    beats = threading.Thread(target=_beat, args=(place, owner, over, beat_s), name="lease", daemon=True)
    beats.start()
    try:
        yield
    finally:
        over.set()
        beats.join()
        if _read(place) == owner:
            place.owner.unlink(missing_ok=True)


def _beat(place: _Place, owner: Owner, over: threading.Event, beat_s: float) -> None:
    """Touch the owner's file until the lease is over. A full disk or a file server that is away ends no work."""
    while not over.wait(beat_s):
        with suppress(OSError):
            found = _read(place)
            if found is None:  # caches may be deleted at any time
                _write(place, owner)
            elif found != owner:  # this process was stopped for so long that it was taken for dead
                say(f"  [yellow]{place.what}: {found} has taken over[/]")
                return
            else:
                os.utime(place.owner)


def _read(place: _Place) -> Owner | None:
    """None for a file that is not there, or that says nothing."""
    try:
        return Owner(**json.loads(place.owner.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write(place: _Place, owner: Owner) -> None:
    with _beside(place, owner) as temporary:
        temporary.replace(place.owner)


def _create(place: _Place, owner: Owner) -> bool:
    """Whether the file was made by us: of all machines that try it at once, one succeeds, and its file is whole.

    Like open's ``x``, but nobody ever finds it empty. Without hard links nobody succeeds, and all have to settle it.
    """
    with _beside(place, owner) as temporary:
        try:
            os.link(temporary, place.owner)
        except OSError:
            return False
    return True


@contextmanager
def _beside(place: _Place, owner: Owner) -> Iterator[Path]:
    """A file with the owner's name, for the time of the block."""
    temporary = place.owner.with_suffix(f".{owner.token}")
    try:
        temporary.write_text(json.dumps(asdict(owner)), encoding="utf-8")
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _touched(place: _Place) -> int:
    """When it was touched last by its file system's clock, which is never compared with ours. Opening asks anew."""
    try:
        with place.owner.open("rb") as stream:
            return os.fstat(stream.fileno()).st_mtime_ns
    except OSError:
        return 0


def _machine(read: Callable[[], str] = lambda: _BOOT_ID.read_text(encoding="ascii").strip()) -> str:
    """Changes with every start of the machine where the kernel says so; elsewhere it is the machine's name."""
    try:
        return read()
    except OSError:
        return platform.node()


def _installation() -> str:
    """A hash, because the id itself is not for others' eyes."""
    try:
        return hashlib.sha256(b"f2p lease " + _MACHINE_ID.read_bytes().strip()).hexdigest()[:16]
    except OSError:
        return ""


def _unknown() -> Owner:
    """Has the lock, and has not said yet who it is."""
    return Owner(host=platform.node(), machine=_machine(), pid=0, run="", since="just now", token="")
