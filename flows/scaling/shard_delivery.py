"""A shard's way from a worker that shares no file system, through the store, into the dataset's folder.

URL/arriving/<dataset key>/<shard>/...    until the one who ordered has it
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from f2p_datasets.engine_log import log_path
from f2p_datasets.shards import ShardRecord, check_shard, rows_path
from flows.scaling.stores import Store, StoreError

_ARRIVING: Final = "arriving"


def deliver(store: Store, folder: Path, record: ShardRecord) -> None:
    """Send a finished shard of the folder, then forget it here. Raises StoreError."""
    package = folder / f".{record.name}.package"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir()
    files = _files(folder, record)
    for path in files:
        (package / path.name).hardlink_to(path)
    store.push(package, _name(record), again=True)
    shutil.rmtree(package)
    for path in files:
        path.unlink()


def is_delivered(store: Store, record: ShardRecord) -> bool:
    """Whether the shard waits in the store. Raises StoreError for one that cannot be read."""
    return store.contents(_name(record)) is not None


def receive(store: Store, folder: Path, record: ShardRecord) -> None:
    """Fetch a delivered shard into the folder; its record, which says that it is whole, comes last.

    Raises StoreError when it was not delivered or is damaged.
    """
    package = folder / f".{record.name}.package"
    if store.pull(_name(record), package) is None:
        raise StoreError(f"{store.shown}: {record.name} was rendered but did not arrive; run again")
    check_shard(package / record.name, record)
    for path in _files(package, record):
        path.replace(folder / path.name)
    package.rmdir()
    store.remove(_name(record))


def _files(folder: Path, record: ShardRecord) -> list[Path]:
    """What a shard consists of, in the order in which it appears; watched engines leave a log."""
    files = (folder / record.name, log_path(folder, record.name), rows_path(folder, record.name))
    return [path for path in files if path.is_file()]


def _name(record: ShardRecord) -> str:
    return f"{_ARRIVING}/{record.dataset_key}/{record.name.removesuffix('.tar')}"
