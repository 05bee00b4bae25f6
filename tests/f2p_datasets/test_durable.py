from __future__ import annotations

from pathlib import Path

import pytest

from f2p_datasets.durable import appearing_file, remove_leftovers


def test_a_file_appears_under_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with appearing_file(path) as stream:
        stream.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_appears_after_an_error_and_an_older_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"older")
    with pytest.raises(ValueError, match="closed file"), appearing_file(path) as stream:
        stream.close()  # so that syncing it fails
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_fails_its_verification_does_not_appear(tmp_path: Path) -> None:
    def refuse(written: Path) -> None:
        raise ValueError(written.read_bytes())

    with pytest.raises(ValueError, match="content"), appearing_file(tmp_path / "file", refuse) as stream:
        stream.write(b"content")
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_killed_writers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "shard-000000.tar.4711.tmp").write_bytes(b"half")
    (tmp_path / "shard-000000.tar").write_bytes(b"whole")
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["shard-000000.tar"]
