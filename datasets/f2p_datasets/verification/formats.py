"""Verification sets by what lies at a path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from f2p_datasets.errors import DatasetError
from f2p_datasets.verification.carray import is_carray, read_carray_set
from f2p_datasets.verification.cfp import is_cfp, read_cfp
from f2p_datasets.verification.insightface_bin import read_bin
from f2p_datasets.verification.lfw import is_lfw, read_lfw
from f2p_datasets.verification.pair_lists import list_name, read_pair_list
from f2p_datasets.verification.sets import VerificationSet

FORMATS: Final = ("lfw", "bin", "bcolz", "cfp", "calfw", "cplfw")


def open_verification_set(path: Path, format: str | None = None, pairs: str | None = None) -> VerificationSet:
    """The set at ``path``; without ``format`` it is told by what lies there.

    ``pairs`` is a list of pairs in LFW, CALFW or CPLFW, or the protocol of CFP (FF, FP). Raises DatasetError.
    """
    chosen = format or _guess(path)
    if chosen in ("bin", "bcolz") and pairs:
        raise DatasetError(f"pairs: a {chosen} set has its pairs inside; leave --pairs out")
    readers: dict[str, Callable[[], VerificationSet]] = {
        "lfw": lambda: read_lfw(path, pairs),
        "bin": lambda: read_bin(path),
        "bcolz": lambda: read_carray_set(path),
        "cfp": lambda: read_cfp(path, pairs),
        "calfw": lambda: read_pair_list(path, "calfw", pairs),
        "cplfw": lambda: read_pair_list(path, "cplfw", pairs),
    }
    if chosen not in readers:
        raise DatasetError(f"format: {chosen!r} is none of {', '.join(FORMATS)}")
    return readers[chosen]()


def _guess(path: Path) -> str:
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder")
    signs = {
        "bin": path.is_file() and path.suffix == ".bin",
        "bcolz": is_carray(path),
        "cfp": is_cfp(path),
        "calfw": (path / list_name("calfw")).is_file(),
        "cplfw": (path / list_name("cplfw")).is_file(),
        "lfw": is_lfw(path),
    }
    found = [name for name, fits in signs.items() if fits]
    if not found:
        raise DatasetError(f"{path}: no verification set of a known kind; say which with --format {'|'.join(FORMATS)}")
    return found[0]
