"""Is an SQLite database still one? One that is not is put aside, for whoever wants to look at it, and made anew."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

ASIDE_SUFFIX: Final = ".damaged"
_FINE: Final = [("ok",)]


def put_aside_when_damaged(database: Path) -> bool:
    """Rename a damaged database, with the files that belong to it. Returns whether it was one.

    A database that is locked, or cannot be read at the moment, is left alone.
    """
    if not database.is_file() or not is_damaged(database):
        return False
    put_aside(database)
    return True


def put_aside(database: Path) -> None:
    """Rename it to ``*.damaged``, in the place of one that was put aside earlier."""
    for suffix in ("-wal", "-shm", "-journal"):  # they would be taken for the new database's
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    database.replace(database.with_name(database.name + ASIDE_SUFFIX))


def is_damaged(database: Path) -> bool:
    """Whether SQLite finds the file itself at fault. Writes nothing."""
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("PRAGMA quick_check(1)").fetchall() != _FINE
    except sqlite3.OperationalError:  # locked, no right to read, no disk
        return False
    except sqlite3.DatabaseError:
        return True
