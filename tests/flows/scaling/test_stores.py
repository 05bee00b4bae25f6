from __future__ import annotations

import errno
import json
import re
from pathlib import Path
from typing import Any

import fsspec
import pytest

from engine_bridge.errors import InputError
from flows.scaling.stores import Contents, Store, StoredFile, StoreError, shown_address

NAME = "datasets/tiny-studio-0"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"file://{tmp_path}/store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "datasets" / "tiny-studio-0"
    (folder / "canaries").mkdir(parents=True)
    (folder / "shard-000000.tar").write_bytes(b"pairs" * 1000)
    (folder / "canaries" / "first.png").write_bytes(b"face")
    (folder / "manifest.json").write_text("{}")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def objects(tmp_path: Path) -> dict[str, Path]:
    return {path.name: path for path in (tmp_path / "store").rglob("*") if path.is_file()}


def test_a_folder_comes_back_as_it_went(store: Store, folder: Path, tmp_path: Path) -> None:
    store.push(folder, NAME)
    store.pull(NAME, tmp_path / "other")
    assert content(tmp_path / "other") == content(folder)
    assert store.names("datasets") == ["tiny-studio-0"]


def test_what_was_never_sent_is_not_there(store: Store, tmp_path: Path) -> None:
    assert store.contents(NAME) is None
    assert store.pull(NAME, tmp_path / "other") is None
    assert store.names("datasets") == []


def test_the_contents_are_uploaded_last(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded: list[str] = []
    upload = store._upload
    monkeypatch.setattr(store, "_upload", lambda data, remote: (uploaded.append(remote), upload(data, remote)))
    store.push(folder, NAME)
    assert [name.endswith("contents.json") for name in uploaded] == [False, False, False, True]


def test_a_killed_upload_shows_nothing_and_is_continued(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, sent = store._upload, list[str]()

    def die_at_the_third(data: Path | bytes, remote: str) -> None:
        if len(sent) == 2:
            raise KeyboardInterrupt
        sent.append(remote)
        upload(data, remote)

    with monkeypatch.context() as patched:
        patched.setattr(store, "_upload", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            store.push(folder, NAME)
    assert store.contents(NAME) is None
    assert store.pull(NAME, tmp_path / "other") is None
    monkeypatch.setattr(store, "_upload", lambda data, remote: (sent.append(remote), upload(data, remote)))
    store.push(folder, NAME)
    assert len(sent) == len(set(sent)) == 4
    assert store.pull(NAME, tmp_path / "other") is not None


def test_a_damaged_object_is_refused_and_what_is_local_stays(store: Store, folder: Path, tmp_path: Path) -> None:
    store.push(folder, NAME)
    objects(tmp_path)["shard-000000.tar"].write_bytes(b"pears" * 1000)
    local = tmp_path / "local"
    local.mkdir()
    (local / "mine").write_text("still here")
    with pytest.raises(StoreError, match=r"shard-000000\.tar is missing or damaged in the store"):
        store.pull(NAME, local)
    assert content(local) == {"mine": b"still here"}


def test_sending_again_mends_the_store(store: Store, folder: Path, tmp_path: Path) -> None:
    store.push(folder, NAME)
    objects(tmp_path)["shard-000000.tar"].write_bytes(b"pears" * 1000)
    store.push(folder, NAME, again=True)
    assert store.pull(NAME, tmp_path / "other") is not None


@pytest.mark.parametrize("spoil", [lambda text: text[:-20], lambda text: text.replace("canaries", "canaries2")])
def test_damaged_contents_count_as_none(store: Store, folder: Path, tmp_path: Path, spoil: Any) -> None:
    store.push(folder, NAME)
    contents = objects(tmp_path)["contents.json"]
    contents.write_text(spoil(contents.read_text()))
    assert store.contents(NAME) is None


def test_of_two_writers_the_last_one_is_there_wholly(store: Store, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "second"
    other.mkdir()
    (other / "shard-000000.tar").write_bytes(b"other pairs" * 900)
    (other / "manifest.json").write_text('{"by": "the second"}')
    first_upload, order = store._upload, []

    def interleaved(data: Path | bytes, remote: str) -> None:
        if not order:
            order.append("second")
            Store(store.url).push(other, NAME)
        first_upload(data, remote)

    store._upload = interleaved  # type: ignore[method-assign]
    store.push(folder, NAME)
    store.pull(NAME, tmp_path / "fetched")
    assert content(tmp_path / "fetched") == content(folder)


def test_a_killed_download_goes_on_with_what_it_has(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.push(folder, NAME)
    fetched: list[str] = []
    get_file = store._files.get_file

    def die_at_the_second(remote: str, local: str) -> None:
        if len(fetched) == 1:
            raise KeyboardInterrupt
        fetched.append(remote)
        get_file(remote, local)

    with monkeypatch.context() as patched:
        patched.setattr(store._files, "get_file", die_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            store.pull(NAME, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    monkeypatch.setattr(store._files, "get_file", lambda *way: (fetched.append(way[0]), get_file(*way)))
    store.pull(NAME, tmp_path / "other")
    assert len(fetched) == len(set(fetched)) == 3


def test_only_what_is_missing_here_is_fetched(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.push(folder, NAME)
    (folder / "manifest.json").write_text("[]")
    fetched: list[str] = []
    get_file = store._files.get_file
    monkeypatch.setattr(store._files, "get_file", lambda *way: (fetched.append(way[0]), get_file(*way)))
    store.pull(NAME, folder)
    assert [Path(name).name for name in fetched] == ["manifest.json"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside", "a/../../outside", ""])
def test_no_file_may_leave_its_folder(path: str) -> None:
    with pytest.raises(ValueError, match="leaves its folder"):
        StoredFile(path=path, num_bytes=1, sha256="0")


def test_contents_of_another_version_are_refused() -> None:
    with pytest.raises(ValueError, match="another version"):
        Contents.from_json(json.dumps({"format": 99, "files": []}).encode())


def test_a_removed_folder_is_gone(store: Store, folder: Path, tmp_path: Path) -> None:
    store.push(folder, NAME)
    store.remove(NAME)
    assert store.contents(NAME) is None
    assert objects(tmp_path) == {}


def test_memory_serves_as_a_store(folder: Path, tmp_path: Path) -> None:
    store = Store("memory://shared/f2p")
    try:
        store.check()
        store.push(folder, NAME)
        store.pull(NAME, tmp_path / "other")
        assert content(tmp_path / "other") == content(folder)
    finally:
        fsspec.filesystem("memory").rm("/shared", recursive=True)


@pytest.mark.parametrize("url", ["nosuch://bucket/f2p"])
def test_a_url_that_nothing_serves_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        Store(url)


def test_a_store_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file, not a folder")
    with pytest.raises(StoreError, match="cannot be written to"):
        Store(f"file://{tmp_path}/store").check()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/f2p", "s3://bucket/f2p"),
        ("s3://bucket/mail@home", "s3://bucket/mail@home"),
        ("sftp://user:secret@host:22/f2p", "sftp://***@host:22/f2p"),
        ("sftp://user:se/cr?e#t@host/f2p", "sftp://***@host/f2p"),
        ("simplecache::ftp://user:s@cret@host/f2p", "simplecache::ftp://***@host/f2p"),
        ("https://host/f2p?token=secret", "https://host/f2p"),
    ],
)
def test_an_address_is_shown_without_what_is_secret(url: str, shown: str) -> None:
    assert shown_address(url) == shown


def test_no_message_tells_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "memory://user:s%2Fecret@shared/f2p?token=hidden"
    store = Store(url)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(f"{url}: user may not log in with s/ecret and hidden")

    monkeypatch.setattr(store._files, "pipe_file", refuse)
    with pytest.raises(StoreError, match=r"memory://\*\*\*@shared/f2p cannot be written to") as told:
        store.check()
    assert not re.search("ecret|hidden", str(told.value))
    with pytest.raises(InputError, match="cannot be opened") as refused:
        Store("nosuch://user:secret@host/f2p")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("trouble", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_cannot_take_what_is_fetched_is_no_trouble_of_the_store(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: int
) -> None:
    store.push(folder, NAME)

    def fail(*_: object) -> None:
        raise OSError(trouble, "no room")

    monkeypatch.setattr(store._files, "get_file", fail)
    with pytest.raises(OSError, match="no room") as told:
        store.pull(NAME, tmp_path / "other")
    assert told.value.errno == trouble


def test_a_folder_that_may_not_be_written_is_no_trouble_of_the_store(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.push(folder, NAME)

    def refuse(_remote: str, local: str) -> None:
        raise PermissionError(errno.EACCES, "not yours", local)

    monkeypatch.setattr(store._files, "get_file", refuse)
    with pytest.raises(PermissionError, match="not yours"):
        store.pull(NAME, tmp_path / "other")


def test_a_file_of_the_store_that_may_not_be_read_is_its_trouble(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.push(folder, NAME)

    def refuse(remote: str, _local: str) -> None:
        raise PermissionError(errno.EACCES, "not yours", remote)

    monkeypatch.setattr(store._files, "get_file", refuse)
    with pytest.raises(StoreError, match="cannot be read"):
        store.pull(NAME, tmp_path / "other")


def test_a_file_that_cannot_be_read_here_is_no_trouble_of_the_store(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(local: str, _remote: str) -> None:
        raise OSError(errno.EIO, "broken disk", local)

    monkeypatch.setattr(store._files, "put_file", refuse)
    with pytest.raises(OSError, match="broken disk"):
        store.push(folder, NAME)
