from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.manifest import finish_dataset
from f2p_datasets.pairs import Pair
from f2p_datasets.provenance import Provenance
from f2p_datasets.shards import write_shard
from flows.evaluations.descriptor import DescriptorOptions, evaluate_descriptor
from flows.evaluations.subject import Subject
from flows.settings import Settings


def photo(index: int, picture: Picture, identity: str, *, frontal: bool = True) -> Pair:
    facts = {"file": f"{index}.jpg", "identity": identity, "frontal": frontal}
    return Pair(index=index, picture=picture, facts=facts)


def store(folder: Path, pairs: list[Pair], template: AlignmentTemplate) -> Path:
    """As an import leaves them."""
    provenance = Provenance(
        domain="photos",
        code_version="test",
        count=len(pairs),
        resolution=64,
        shard_size=len(pairs),
        encoding="qoi",
        photos_sha256="0",
        template=template.tuples,
    )
    write_shard(folder, 0, pairs, provenance)
    finish_dataset(folder, provenance)
    return folder


@pytest.fixture
def imported(tmp_path: Path, astronaut: Picture, template: AlignmentTemplate) -> Path:
    """Four people with two front views each, which differ in brightness; one with a single front view."""
    people = [np.roll(astronaut[::8, ::8], 9 * shift, axis=1).copy() for shift in range(5)]
    pairs = [
        photo(2 * p + v, people[p] // (v + 1), f"person-{p}", frontal=p < 4 or v == 0) for p in range(5) for v in (0, 1)
    ]
    return store(tmp_path / "imported", pairs, template)


def test_the_page_ranks_every_variant(settings: Settings, subject: Subject, imported: Path) -> None:
    options = DescriptorOptions(photos=imported)
    folder, document = evaluate_descriptor(settings, subject, options, command="f2p evaluate descriptor")
    [table] = document["tables"]
    assert table["title"] == "Two photos of a person, 4 people"
    assert any("cosine around the mean photo" in row[0] for row in table["rows"])
    assert (folder / document["figures"][0]["file"]).is_file()


def test_photos_of_strangers_only_are_refused(
    settings: Settings, subject: Subject, tmp_path: Path, template: AlignmentTemplate
) -> None:
    pairs = [photo(index, np.full((64, 64, 3), 20 * index, np.uint8), f"person-{index}") for index in range(5)]
    options = DescriptorOptions(photos=store(tmp_path / "strangers", pairs, template))
    with pytest.raises(InputError, match="0 people with two front views; import a collection that says who is who"):
        evaluate_descriptor(settings, subject, options, command="")


def test_photos_aligned_to_another_face_are_refused(
    settings: Settings, subject: Subject, tmp_path: Path, template: AlignmentTemplate
) -> None:
    pairs = [photo(0, np.zeros((64, 64, 3), np.uint8), "person")]
    folder = store(tmp_path / "others", pairs, AlignmentTemplate(points=template.points + np.float32(0.1)))
    with pytest.raises(InputError, match="aligned to another face"):
        evaluate_descriptor(settings, subject, DescriptorOptions(photos=folder), command="")


def test_renders_must_be_of_the_character(settings: Settings, subject: Subject, imported: Path) -> None:
    with pytest.raises(InputError, match="has no vectors of tiny; give its photo-like dataset"):
        evaluate_descriptor(settings, subject, DescriptorOptions(renders=imported), command="")


@pytest.mark.parametrize("options", [{}, {"photos": Path("x"), "num_people": 1}])
def test_nothing_to_compare_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"give imported photos|give 2 or more"):
        DescriptorOptions(**options)
