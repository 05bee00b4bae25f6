from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from f2p_models.durable import appearing_file, sha256_of


def test_a_file_appears_under_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    with appearing_file(path) as unfinished:
        unfinished.write_bytes(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_refused_leaves_the_older_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"older")

    def write_and_refuse() -> None:
        with appearing_file(path) as unfinished:
            unfinished.write_bytes(b"newer")
            raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        write_and_refuse()
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert sha256_of(tmp_path / "file") == hashlib.sha256(b"content").hexdigest()
