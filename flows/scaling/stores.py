"""A store that homes on several machines share: finished folders on any URL that fsspec knows (``s3://``, ``file://``).

    URL/datasets/<name>/contents.json           what the folder consists of; uploaded last
    URL/datasets/<name>/<sha256>/<file>          its files, each below the hash of its content
    URL/checkpoints/...  URL/evaluations/...  URL/registry/<character>/<version>/...

Object stores cannot rename, so nothing is ever put under a name where somebody may be reading: a file's name changes
with its content, and a folder is there once its ``contents.json`` is, which a single upload makes appear whole. Two
writers of one folder leave both their files and the contents of the last one, which fit each other. Everything that is
fetched is held against its hash before it gets its name.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote

from engine_bridge.errors import EngineError, InputError
from f2p_datasets.durable import TEMPORARY_SUFFIX, appearing_file, sha256_of, sync_folder

CONTENTS_NAME: Final = "contents.json"
FORMAT: Final = 1
#: File systems on which an upload appears whole or not at all; on others a temporary name does that.
_ATOMIC_UPLOAD: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "memory"})
#: A download that comes damaged is tried again: the line may be at fault and not the store.
_ATTEMPTS: Final = 2


#: A disk of this machine that is full, not writable or has no room in its quota: no store answers so to a read.
_LOCAL_TROUBLE: Final = frozenset({errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG})
#: What may stand before the host: a name, with a password in which nobody has escaped the special characters.
_USER: Final = re.compile(r"(?<=://)(?:[^/?#\s]*@|[^/?#@\s]*:\S*@)")


class StoreError(EngineError):
    """The store cannot be had, or holds something damaged. Nothing local is lost by it."""


class DamagedStoreError(StoreError):
    """One folder in the store is not whole. The others may be."""


def shown_address(url: str) -> str:
    """The URL without what may be secret: user, password and query."""
    return re.sub(r"[?#].*", "", _USER.sub("***@", url), flags=re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """One file of a folder; ``path`` is posix and relative to the folder."""

    path: str
    num_bytes: int
    sha256: str

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path)
        if parts.is_absolute() or ".." in parts.parts or not parts.name:
            raise ValueError(f"path: {self.path!r} leaves its folder")

    @property
    def name(self) -> str:
        """Below the folder in the store."""
        return f"{self.sha256}/{PurePosixPath(self.path).name}"


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a folder consists of."""

    files: tuple[StoredFile, ...]

    @property
    def num_bytes(self) -> int:
        return sum(file.num_bytes for file in self.files)

    @classmethod
    def of(cls, folder: Path) -> Contents:
        """Every file of a folder but those that killed writers left."""
        found = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != TEMPORARY_SUFFIX)
        return cls(
            files=tuple(
                StoredFile(
                    path=path.relative_to(folder).as_posix(), num_bytes=path.stat().st_size, sha256=sha256_of(path)
                )
                for path in found
            )
        )

    def match(self, folder: Path, *, by_hash: bool) -> bool:
        """Whether the folder has all these files: of the same size, and of the same content where that is asked."""
        return all(_matches(folder / file.path, file, by_hash=by_hash) for file in self.files)

    def to_json(self) -> str:
        """With a hash of its own: whoever reads it knows that it is whole."""
        files = [asdict(file) for file in self.files]
        return json.dumps({"format": FORMAT, "sha256": _hash_of(files), "files": files}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: bytes) -> Contents:
        """Inverse of :meth:`to_json`. Raises ValueError for anything else."""
        data = json.loads(text)
        if (
            not isinstance(data, Mapping)
            or data.get("format") != FORMAT
            or data.get("sha256") != _hash_of(data["files"])
        ):
            raise ValueError("damaged, or of another version of f2p")
        return cls(files=tuple(StoredFile(**file) for file in data["files"]))


class Store:
    """One URL. Names of folders are relative to it, e.g. ``datasets/tiny-studio-0123456789abcdef``.

    Credentials and endpoint are those of the file system's own variables (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``).
    The URL may hold a password: ``shown`` is what may be told and recorded.
    Raises InputError for a URL that no installed file system serves; StoreError, from any method, for a store that
    does not answer; OSError when it is a file of this machine that cannot be read or written.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.shown = shown_address(self.url)
        self._files, self._root = _open_file_system(self.url)
        protocols = self._files.protocol
        self._atomic = bool(_ATOMIC_UPLOAD & set((protocols,) if isinstance(protocols, str) else protocols))

    def check(self) -> None:
        """Raise StoreError unless something can be written and read back."""
        name = f"{self._root}/.check-{secrets.token_hex(8)}"
        with self._answering("written to"):
            self._upload(b"f2p", name)
            found = self._files.cat_file(name)
            self._files.rm_file(name)
        if found != b"f2p":
            raise StoreError(f"{self.shown}: reads back something else than was written; check what serves it")

    def names(self, kind: str) -> list[str]:
        """Folders of a kind that are wholly there, sorted."""
        with self._answering("read"), suppress(FileNotFoundError):
            found = [PurePosixPath(entry["name"]).name for entry in self._files.ls(f"{self._root}/{kind}", detail=True)]
            return sorted(name for name in found if self._files.exists(self._at(f"{kind}/{name}", CONTENTS_NAME)))
        return []

    def kinds(self, kind: str) -> list[str]:
        """What stands below a kind that has folders of its own, e.g. ``registry/tiny`` below ``registry``."""
        with self._answering("read"), suppress(FileNotFoundError):
            found = self._files.ls(f"{self._root}/{kind}", detail=True)
            return sorted(f"{kind}/{PurePosixPath(entry['name']).name}" for entry in found)
        return []

    def contents(self, name: str) -> Contents | None:
        """What a folder consists of; None when it is not there, or not yet."""
        with self._answering("read"):
            try:
                text = self._files.cat_file(self._at(name, CONTENTS_NAME))
            except FileNotFoundError:
                return None
        try:
            return Contents.from_json(text)
        except (ValueError, KeyError, TypeError):
            return None  # whoever makes the folder again replaces it

    def push(self, folder: Path, name: str, *, again: bool = False) -> Contents:
        """Upload a finished folder. Files that are there already stay, unless ``again`` sends them all."""
        contents = Contents.of(folder)
        with self._answering("written to"):
            for file in contents.files:
                remote = self._at(name, file.name)
                if again or self._size(remote) != file.num_bytes:
                    self._upload(folder / file.path, remote)
            self._upload(contents.to_json().encode(), self._at(name, CONTENTS_NAME))
        return contents

    def pull(self, name: str, folder: Path) -> Contents | None:
        """Fetch a folder, replacing a local one once everything is here and verifies. None when it is not there.

        Raises StoreError for a file that is damaged in the store; what is local stays then. Not for two processes at
        once. What a killed call has fetched is not fetched again.
        """
        contents = self.contents(name)
        if contents is None:
            return None
        arriving = folder.with_name(f".{folder.name}.arriving")
        for file in contents.files:
            self._fetch(name, file, arriving / file.path, have=folder / file.path)
        _drop_strangers(arriving, contents)
        _replace(arriving, folder)
        return contents

    def remove(self, name: str) -> None:
        """Delete a folder, its contents first: nobody is to find half of it."""
        with self._answering("written to"):
            for path in (self._at(name, CONTENTS_NAME), f"{self._root}/{name}"):
                with suppress(FileNotFoundError):
                    self._files.rm(path, recursive=True)

    def _fetch(self, name: str, file: StoredFile, path: Path, *, have: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if _matches(path, file, by_hash=True):
            return
        if _matches(have, file, by_hash=True):
            path.unlink(missing_ok=True)
            path.hardlink_to(have)
            return
        for _ in range(_ATTEMPTS):
            with suppress(_MissingError, _DamagedError):
                with appearing_file(path, verify=lambda temporary: _check(temporary, file)) as stream:
                    self._download(self._at(name, file.name), stream.name)
                return
        where = f"{self.shown}/{name}"
        raise DamagedStoreError(f"{where}: {file.path} is missing or damaged in the store; it has to be made again")

    def _download(self, remote: str, local: str) -> None:
        try:
            with self._answering("read", local):
                self._files.get_file(remote, local)
        except FileNotFoundError as error:
            if error.filename == local:  # somebody has deleted the folder meanwhile
                raise
            raise _MissingError(remote) from error

    def _upload(self, content: Path | bytes, remote: str) -> None:
        """In one step to whoever looks."""
        target = remote if self._atomic else f"{remote}.{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
        if not self._atomic:  # object stores have no folders
            self._files.makedirs(str(PurePosixPath(remote).parent), exist_ok=True)
        if isinstance(content, bytes):
            self._files.pipe_file(target, content)
        else:
            with _reading(content):
                self._files.put_file(str(content), target)
        if target != remote:
            self._files.mv(target, remote)

    def _size(self, remote: str) -> int | None:
        try:
            return int(self._files.info(remote)["size"])
        except FileNotFoundError:
            return None

    def _at(self, name: str, file: str) -> str:
        return f"{self._root}/{name}/{file}"

    @contextmanager
    def _answering(self, verb: str, local: str = "") -> Iterator[None]:
        """Every file system has exceptions of its own. Trouble with the file that is written here is told as such."""
        try:
            yield
        except StoreError:
            raise
        except _LocalFileError as error:
            raise error.trouble from None
        except Exception as error:
            if isinstance(error, FileNotFoundError) and verb == "read":
                raise  # which is an answer
            if local and isinstance(error, OSError) and (error.filename == local or error.errno in _LOCAL_TROUBLE):
                raise
            reason = _reason(error, self.url)
            raise StoreError(
                f"store: {self.shown} cannot be {verb} ({reason}); check address and credentials"
            ) from error


class _DamagedError(Exception):
    """A file is not what the contents say."""


class _MissingError(Exception):
    """A file is not in the store."""


class _LocalFileError(Exception):
    """A file of this machine cannot be read."""

    def __init__(self, trouble: OSError) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Tell trouble with a file of ours from trouble with the store, which may be a disk as well."""
    try:
        yield
    except OSError as error:
        if error.filename == str(path):
            raise _LocalFileError(error) from error
        raise


def _reason(error: Exception, url: str) -> str:
    """The first line of what went wrong, without what the URL has to hide."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    found = _USER.search(url)
    password = found[0].removesuffix("@").partition(":")[2] if found else ""
    for secret in filter(None, (url.partition("?")[2], password, unquote(password))):
        reason = reason.replace(secret, "***")
    return shown_address(reason) if "://" in reason else reason


def _open_file_system(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        files, root = fsspec.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"store: {shown_address(url)} cannot be opened ({_reason(error, url)}); give file://, s3:// "
            "(pip install 'f2p[store]') or another URL whose fsspec package is installed"
        ) from error
    return files, str(root).rstrip("/")


def _matches(path: Path, file: StoredFile, *, by_hash: bool) -> bool:
    if not path.is_file() or path.stat().st_size != file.num_bytes:
        return False
    return not by_hash or sha256_of(path) == file.sha256


def _check(path: Path, file: StoredFile) -> None:
    if not _matches(path, file, by_hash=True):
        raise _DamagedError(file.path)


def _drop_strangers(folder: Path, contents: Contents) -> None:
    """What an earlier, killed call fetched of other contents."""
    wanted = {folder / file.path for file in contents.files}
    for path in [path for path in folder.rglob("*") if path.is_file() and path not in wanted]:
        path.unlink()


def _replace(arriving: Path, folder: Path) -> None:
    """Killed in between, the folder is missing and the next call fetches it."""
    arriving.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    arriving.rename(folder)
    sync_folder(folder.parent)


def _hash_of(files: Any) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
