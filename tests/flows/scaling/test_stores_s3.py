"""The store on an S3 server in a process of its own (moto), which is spoken to over HTTP as any other."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from flows.scaling.stores import Store, StoreError

pytest.importorskip("s3fs", reason="pip install 'f2p[store]'")
pytest.importorskip("moto", reason="pip install 'f2p[dev]'")

NAME = "checkpoints/tiny-imitator-0"
#: ``python -c PUSH URL FOLDER NAME LIMIT``: stops and waits before it uploads more than LIMIT files.
PUSH = """
import sys, time
from pathlib import Path
from flows.scaling.stores import Store

store, limit = Store(sys.argv[1]), int(sys.argv[4])
upload, sent = store._upload, []

def count(content, remote):
    while len(sent) >= limit:
        time.sleep(1)
    sent.append(remote)
    upload(content, remote)

store._upload = count
store.push(Path(sys.argv[2]), sys.argv[3])
"""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    log = (tmp_path_factory.mktemp("moto") / "log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log
    )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urlopen(address, timeout=5).close()
            break
        except HTTPError as answer:  # it answers
            answer.close()
            break
        except OSError:
            time.sleep(0.1)
    yield address
    server.kill()
    server.wait()
    log.close()


@pytest.fixture
def url(endpoint: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of the test's own."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "f2p")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = f"b{abs(hash(request.node.name)):x}"
    urlopen(Request(f"{endpoint}/{bucket}", method="PUT"), timeout=30).close()
    return f"s3://{bucket}/f2p"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "checkpoints" / "tiny-imitator-0"
    for number in range(20):
        (folder / f"part-{number}").mkdir(parents=True)
        (folder / f"part-{number}" / "weights.bin").write_bytes(os.urandom(50_000))
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def push(url: str, folder: Path, *, limit: int = 1000) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PUSH, url, str(folder), NAME, str(limit)])


def num_objects(store: Store) -> int:
    files: Any = store._files
    return len(files.find(store._root))


def test_a_folder_comes_back_as_it_went(url: str, folder: Path, tmp_path: Path) -> None:
    store = Store(url)
    store.check()
    store.push(folder, NAME)
    Store(url).pull(NAME, tmp_path / "other")
    assert content(tmp_path / "other") == content(folder)
    assert store.names("checkpoints") == ["tiny-imitator-0"]


def test_a_writer_that_is_killed_half_way_leaves_nothing_to_be_seen(url: str, folder: Path, tmp_path: Path) -> None:
    store = Store(url)
    writer = push(url, folder, limit=7)
    while writer.poll() is None and num_objects(store) < 7:
        time.sleep(0.05)
    writer.send_signal(signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    assert num_objects(store) == 7
    assert store.names("checkpoints") == []
    assert store.pull(NAME, tmp_path / "other") is None
    store.push(folder, NAME)
    store.pull(NAME, tmp_path / "other")
    assert content(tmp_path / "other") == content(folder)


def test_a_damaged_object_is_refused_until_it_is_sent_again(url: str, folder: Path, tmp_path: Path) -> None:
    store = Store(url)
    contents = store.push(folder, NAME)
    files: Any = store._files
    files.pipe_file(f"{store._root}/{NAME}/{contents.files[3].name}", os.urandom(50_000))
    with pytest.raises(StoreError, match="missing or damaged in the store"):
        store.pull(NAME, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    store.push(folder, NAME, again=True)
    store.pull(NAME, tmp_path / "other")
    assert content(tmp_path / "other") == content(folder)


def test_two_writers_at_once_leave_the_whole_of_one(url: str, folder: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    for path in folder.rglob("*.bin"):
        (second / path.relative_to(folder)).parent.mkdir(parents=True)
        (second / path.relative_to(folder)).write_bytes(os.urandom(60_000))
    writers = [push(url, folder), push(url, second)]
    assert [writer.wait() for writer in writers] == [0, 0]
    Store(url).pull(NAME, tmp_path / "other")
    assert content(tmp_path / "other") in (content(folder), content(second))


def test_a_server_that_is_not_there_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "f2p")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(
        StoreError, match=r"store: s3://nobody/f2p cannot be written to \(.*\); check address"
    ) as refused:
        Store("s3://nobody/f2p").check()
    assert "\n" not in str(refused.value)
