"""WebDataset shards of photos: plain tars whose members are ``KEY.jpg`` (png, webp), with what is known beside them.

    KEY.json   an object; its ``identity`` and ``partition`` are taken     KEY.cls   the identity, a whole number

Tars come from anywhere: nothing is extracted. Members are found once, by their headers, and photos are read from where
they lie, so that worker processes share a shard and a stopped import goes on in the middle of one (webdataset itself
reads from the start, and takes a shard that was cut short for a shorter one).
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from f2p_datasets.collections.records import PhotoRecord, TarSlice, check_name, of_partition
from f2p_datasets.errors import DatasetError

SUFFIX: Final = ".tar"
PHOTO_ENDINGS: Final = (".jpg", ".jpeg", ".png", ".webp")
_MASKS: Final = frozenset({"mask", "seg", "label", "depth"})
_LARGEST_TEXT_BYTES: Final = 1 << 20
_BLOCK: Final = 512  # a tar ends with two blocks of zeros

Facts = dict[str, str]


def has_tars(source: Path) -> bool:
    """Whether it is a tar or a folder that has some."""
    return source.suffix == SUFFIX if source.is_file() else bool(_tars(source))


def list_tars(source: Path, partition: str | None = None) -> list[PhotoRecord]:
    """Photos of a tar, or of all tars of a folder, in their order there.

    Raises DatasetError, naming the tar, for one that holds no photos, was cut short, is compressed, or has a member
    whose name leads out of it.
    """
    tars = _tars(source)
    if not tars:
        raise DatasetError(f"{source}: holds no {SUFFIX} files; give a tar of photos or a folder of them")
    root = source if source.is_dir() else source.parent
    return of_partition((record for tar in tars for record in _photos(root, tar)), partition)


def _tars(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source] if source.is_file() else []
    return sorted(path for path in source.glob(f"*{SUFFIX}") if path.is_file() and not path.name.startswith("."))


def _photos(root: Path, tar: Path) -> list[PhotoRecord]:
    below = tar.relative_to(root).as_posix()
    photos, facts = dict[str, TarSlice](), dict[str, Facts]()
    try:
        for entry, text in _members(tar):
            key, ending = _split(entry.name)
            if ending in PHOTO_ENDINGS and not _is_mask(entry.name):
                photos[entry.name] = TarSlice(tar=below, offset=entry.offset_data, num_bytes=entry.size)
            facts.setdefault(key, {}).update(_facts(ending, text))
        records = [_record(below, name, inside, facts[_split(name)[0]]) for name, inside in photos.items()]
    except (DatasetError, ValueError, RecursionError) as error:  # the last by nested JSON
        raise DatasetError(f"{tar}: {error}") from error
    if not records:
        raise DatasetError(f"{tar}: holds no photos ({', '.join(PHOTO_ENDINGS)})")
    return records


def _record(below: str, name: str, inside: TarSlice, facts: Facts) -> PhotoRecord:
    check_name(name)
    return PhotoRecord(
        name=f"{below}/{name.removeprefix('./')}",
        identity=facts.get("identity"),
        partition=facts.get("partition"),
        inside=inside,
    )


def _members(tar: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Every regular file's header; and its content, where it may say something about a photo."""
    if tar.stat().st_size == 0:
        raise DatasetError("the file is empty (zero bytes); copy it again")
    try:
        with tarfile.open(tar, "r:") as archive:  # never through a decompressor
            for entry in archive:
                if entry.size < 0:  # a forged header that leads back to itself
                    raise DatasetError(f"{entry.name}: a member of {entry.size} bytes")
                if entry.isreg() and not entry.issparse():
                    yield entry, _text(archive, entry)
            _check_end(tar, archive.offset)
    except tarfile.TarError as error:
        raise DatasetError(
            f"no plain tar, or cut short ({error}); copy it again, unpacked if it is compressed"
        ) from error


def _check_end(tar: Path, end: int) -> None:
    """A tar that was cut between two members looks whole to tarfile, but for the mark at its end."""
    with tar.open("rb") as stream:
        stream.seek(end)
        if stream.read(_BLOCK) != bytes(_BLOCK):
            raise DatasetError("no mark at its end: cut short; copy it again")


def _text(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    if _split(entry.name)[1] not in (".json", ".cls") or entry.size > _LARGEST_TEXT_BYTES:
        return b""
    content = archive.extractfile(entry)
    return content.read() if content else b""


def _facts(ending: str, text: bytes) -> Facts:
    """Identity and partition, where a member beside the photo says them."""
    if ending == ".cls" and text:
        return {"identity": str(int(text))}
    said: Any = json.loads(text) if ending == ".json" and text else {}
    known = said if isinstance(said, dict) else {}
    return {name: str(known[name]) for name in ("identity", "partition") if known.get(name) is not None}


def _is_mask(name: str) -> bool:
    """``KEY.mask.png``, ``KEY.seg.png``: labels of the photo beside it."""
    return not _MASKS.isdisjoint(PurePosixPath(name).name.lower().split(".")[1:-1])


def _split(name: str) -> tuple[str, str]:
    """WebDataset's key (up to the file name's first dot), and the last ending in small letters."""
    path = PurePosixPath(name)
    return str(path.with_name(path.name.partition(".")[0] or path.name)), path.suffix.lower()
