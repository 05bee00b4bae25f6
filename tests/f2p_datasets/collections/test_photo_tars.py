from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import webdataset as wds

from f2p_datasets.collections import photo_tars, records
from f2p_datasets.collections.photo_tars import has_tars, list_tars
from f2p_datasets.collections.records import hash_record, read_record
from f2p_datasets.errors import DatasetError, PhotoError

WriteTar = Callable[[Path, Mapping[str, bytes]], Path]


def test_photos_are_read_from_where_they_lie(tmp_path: Path, jpeg: bytes, write_tar: WriteTar) -> None:
    write_tar(tmp_path / "b.tar", {"000.jpg": jpeg})
    write_tar(tmp_path / "a.tar", {"x/000.jpg": jpeg, "x/001.png": jpeg, "notes.txt": b"none"})
    photos = list_tars(tmp_path)
    assert [photo.name for photo in photos] == ["a.tar/x/000.jpg", "a.tar/x/001.png", "b.tar/000.jpg"]
    assert read_record(tmp_path, photos[1]).shape == (20, 24, 3)
    assert len(list(tmp_path.iterdir())) == 2  # nothing was extracted


def test_what_webdataset_writes_is_read_with_identity_and_partition(tmp_path: Path, jpeg: bytes) -> None:
    with wds.TarWriter(str(tmp_path / "photos.tar")) as writer:
        writer.write({"__key__": "000", "jpg": jpeg, "cls": 17})
        writer.write({"__key__": "001", "jpg": jpeg, "json": {"identity": "Ann", "partition": "train", "age": 3}})
    assert [(photo.identity, photo.partition) for photo in list_tars(tmp_path)] == [("17", None), ("Ann", "train")]
    assert [photo.name for photo in list_tars(tmp_path, "train")] == ["photos.tar/001.jpg"]


def test_a_tar_itself_can_be_given(tmp_path: Path, jpeg: bytes, write_tar: WriteTar) -> None:
    path = write_tar(tmp_path / "photos.tar", {"000.webp": jpeg})
    assert has_tars(path)
    assert [photo.name for photo in list_tars(path)] == ["photos.tar/000.webp"]


@pytest.mark.parametrize("name", ["../000.jpg", "/etc/000.jpg", "a/../../000.jpg"])
def test_a_member_that_leads_out_of_the_tar_is_refused(
    tmp_path: Path, jpeg: bytes, write_tar: WriteTar, name: str
) -> None:
    path = write_tar(tmp_path / "evil.tar", {name: jpeg})
    with pytest.raises(DatasetError, match=r"evil.tar: .* leads out of its folder"):
        list_tars(path)


def test_links_and_devices_are_no_photos(tmp_path: Path, jpeg: bytes) -> None:
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        for name, kind in (("a.jpg", tarfile.SYMTYPE), ("b.jpg", tarfile.LNKTYPE), ("c.jpg", tarfile.FIFOTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
        entry = tarfile.TarInfo("d.jpg")
        entry.size = len(jpeg)
        archive.addfile(entry, io.BytesIO(jpeg))
    assert [photo.name for photo in list_tars(tmp_path)] == ["links.tar/d.jpg"]


@pytest.mark.parametrize("kept", [700, 1024, 1500, 2000])
def test_a_tar_that_was_cut_short_is_refused_wherever_it_was_cut(
    tmp_path: Path, jpeg: bytes, write_tar: WriteTar, kept: int
) -> None:
    assert 512 < len(jpeg) <= 1024  # so that 1536 is where the second photo begins
    path = write_tar(tmp_path / "cut.tar", {"000.jpg": jpeg, "001.jpg": jpeg})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DatasetError, match=r"cut\.tar: .*cut short"):
        list_tars(path)


def test_a_tar_that_was_cut_between_two_photos_is_refused(tmp_path: Path, jpeg: bytes, write_tar: WriteTar) -> None:
    path = write_tar(tmp_path / "cut.tar", {"000.jpg": jpeg, "001.jpg": jpeg})
    path.write_bytes(path.read_bytes()[:1536])
    with pytest.raises(DatasetError, match=r"cut\.tar: no mark at its end"):
        list_tars(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", r"the file is empty"), (bytes(10240), "holds no photos"), (b"\x1f\x8b" + bytes(2000), "no plain tar")],
    ids=["nothing", "no members", "compressed"],
)
def test_a_tar_without_photos_is_refused_by_name(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "odd.tar").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"odd\.tar: {complaint}"):
        list_tars(tmp_path)


@pytest.mark.parametrize(("member", "content"), [("000.cls", b"seventeen"), ("000.json", b"{"), ("000.json", b"\xff")])
def test_facts_that_cannot_be_read_are_refused_with_the_tar(
    tmp_path: Path, jpeg: bytes, write_tar: WriteTar, member: str, content: bytes
) -> None:
    write_tar(tmp_path / "bad.tar", {"000.jpg": jpeg, member: content})
    with pytest.raises(DatasetError, match=r"bad\.tar: "):
        list_tars(tmp_path)


def test_facts_too_large_to_be_facts_are_passed_over(
    tmp_path: Path, jpeg: bytes, write_tar: WriteTar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_tars, "_LARGEST_TEXT_BYTES", 10)
    write_tar(tmp_path / "photos.tar", {"000.jpg": jpeg, "000.json": b'{"identity": "Ann"}'})
    assert list_tars(tmp_path)[0].identity is None


def test_a_photo_of_too_many_bytes_is_refused_unread(
    tmp_path: Path, jpeg: bytes, write_tar: WriteTar, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photo,) = list_tars(write_tar(tmp_path / "photos.tar", {"000.jpg": jpeg}))
    monkeypatch.setattr(records, "LARGEST_PHOTO_BYTES", len(jpeg) - 1)
    with pytest.raises(PhotoError, match=r"photos.tar/000.jpg: .* too many for a photo"):
        read_record(tmp_path, photo)
    assert hash_record(tmp_path, photo) == "missing"


def test_a_damaged_photo_is_refused_by_tar_and_member(tmp_path: Path, jpeg: bytes, write_tar: WriteTar) -> None:
    (photo,) = list_tars(write_tar(tmp_path / "photos.tar", {"000.jpg": jpeg[:300]}))
    with pytest.raises(PhotoError, match=r"photos.tar/000.jpg: "):
        read_record(tmp_path, photo)


def test_a_header_that_leads_back_to_itself_ends(tmp_path: Path, jpeg: bytes, write_tar: WriteTar) -> None:
    path = write_tar(tmp_path / "loop.tar", {"000.jpg": jpeg})
    header = bytearray(path.read_bytes()[:512])
    header[124:136] = b"\xff" * 10 + b"\xfe\x00"  # -512, base 256
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path.write_bytes(bytes(header) + bytes(1536))
    with pytest.raises(DatasetError, match=r"loop\.tar"):
        list_tars(path)


def test_nested_json_is_refused_with_the_tars_name(tmp_path: Path, jpeg: bytes, write_tar: WriteTar) -> None:
    path = write_tar(tmp_path / "deep.tar", {"a.jpg": jpeg, "a.json": b"[" * 200_000})
    with pytest.raises(DatasetError, match=r"deep\.tar"):
        list_tars(path)


def test_masks_beside_photos_are_no_photos(tmp_path: Path, jpeg: bytes, write_tar: WriteTar) -> None:
    write_tar(tmp_path / "pairs.tar", {"a.image.png": jpeg, "a.mask.png": jpeg, "b.seg.png": jpeg, "b.jpg": jpeg})
    assert [photo.name for photo in list_tars(tmp_path)] == ["pairs.tar/a.image.png", "pairs.tar/b.jpg"]
