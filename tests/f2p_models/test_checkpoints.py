from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.numpy
import torch
from torch import nn

from f2p_models.checkpoints import (
    CheckpointCard,
    load_checkpoint,
    load_imitator,
    load_translator,
    read_card,
    save_checkpoint,
)
from f2p_models.errors import CheckpointError
from f2p_models.imitator import Imitator, ImitatorConfig
from f2p_models.segmenter import Segmenter, SegmenterConfig
from f2p_models.translator import Translator, TranslatorConfig

MODULES = {
    "imitator": lambda: Imitator(ImitatorConfig(vector_size=5, resolution=64, width=0.05)),
    "segmenter": lambda: Segmenter(SegmenterConfig(width=0.1, blocks=(1, 1, 1, 1), input_px=32)),
    "translator": lambda: Translator(
        TranslatorConfig(embedding_size=8, num_continuous=3, block_sizes=(2,)), torch.rand(8)
    ),
}


def card(kind: str, **fields: object) -> CheckpointCard:
    common = {"character": "tiny", "schema_fingerprint": "cafe", "recipe": "quick", "code_version": "1", "epoch": 3}
    return CheckpointCard(kind=kind, **{**common, **fields})  # type: ignore[arg-type]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with an imitator."""
    save_checkpoint(tmp_path / "checkpoint", MODULES["imitator"](), card("imitator"))
    return tmp_path / "checkpoint"


def edit_card(folder: Path, **fields: object) -> None:
    """As somebody would who means it: without the hash of what was there."""
    path = folder / "checkpoint.json"
    content = json.loads(path.read_text())
    del content["card_sha256"]
    path.write_text(json.dumps({**content, **fields}))


@pytest.mark.parametrize("kind", MODULES)
def test_every_network_comes_back_with_its_weights_and_architecture(kind: str, tmp_path: Path) -> None:
    module = MODULES[kind]()
    save_checkpoint(tmp_path / "checkpoint", module, card(kind))
    loaded, _ = load_checkpoint(tmp_path / "checkpoint")
    assert loaded.config == module.config
    assert not loaded.training
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in module.state_dict().items())


def test_the_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    given = card(
        "imitator",
        datasets=("abc", "def"),
        metrics={"l1": 0.01},
        parents={"segmenter": "123"},
        extra={"template": [[0.5, 0.25]]},
        recipe_settings={"epochs": 3},
    )
    written = save_checkpoint(tmp_path / "checkpoint", MODULES["imitator"](), given)
    assert read_card(tmp_path / "checkpoint") == written
    assert written.architecture == {"vector_size": 5, "resolution": 64, "width": 0.05}


def test_plain_safetensors_reads_the_weights(saved: Path) -> None:
    arrays = safetensors.numpy.load_file(saved / "weights.safetensors")
    assert arrays.keys() == MODULES["imitator"]().state_dict().keys()


def test_equal_checkpoints_are_equal_bytes_in_any_memory_layout(tmp_path: Path) -> None:
    module = MODULES["imitator"]()
    save_checkpoint(tmp_path / "a", module, card("imitator"))
    save_checkpoint(tmp_path / "b", module.to(memory_format=torch.channels_last), card("imitator"))
    for name in ("weights.safetensors", "checkpoint.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_another_schema_is_refused_with_both_fingerprints(saved: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cafe.*beef"):
        load_checkpoint(saved, expect_fingerprint="beef")


def test_the_right_schema_is_accepted(saved: Path) -> None:
    assert load_imitator(saved, expect_fingerprint="cafe")[1].epoch == 3


def test_a_network_for_any_character_fits_every_schema(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "s", MODULES["segmenter"](), card("segmenter", schema_fingerprint=None))
    assert load_checkpoint(tmp_path / "s", expect_fingerprint="beef")[1].schema_fingerprint is None


@pytest.mark.parametrize("damage", [lambda b: b[:-100], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b""])
def test_cut_or_changed_weights_are_refused(saved: Path, damage: object) -> None:
    path = saved / "weights.safetensors"
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(CheckpointError, match=r"weights\.safetensors: SHA-256 differs"):
        load_checkpoint(saved)


def test_a_card_with_another_digit_is_refused(saved: Path) -> None:
    path = saved / "checkpoint.json"
    path.write_text(path.read_text().replace('"epoch": 3', '"epoch": 4'))
    with pytest.raises(CheckpointError, match=r"checkpoint\.json: it is not what was written; train again"):
        read_card(saved)


@pytest.mark.parametrize("name", ["weights.safetensors", "checkpoint.json"])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "rocket"}, "'rocket' is none of"),
        ({"schema_version": 99}, "schema_version 99"),
        ({"surprise": 1}, "'surprise' is missing or unknown"),
        ({"architecture": {"vector_size": 6, "resolution": 64, "width": 0.05}}, "do not fit"),
        ({"architecture": {"vector_size": 5, "resolution": 65}}, "resolution"),
        ({"architecture": {"wheels": 4}}, "wheels"),
    ],
)
def test_a_card_that_does_not_describe_the_weights_is_refused_in_one_line(
    saved: Path, fields: dict[str, object], message: str
) -> None:
    edit_card(saved, **fields)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_checkpoint(saved)
    assert "\n" not in str(caught.value)


def test_a_card_that_is_no_json_is_refused(saved: Path) -> None:
    (saved / "checkpoint.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"checkpoint\.json"):
        read_card(saved)


def test_a_checkpoint_of_another_kind_is_refused(saved: Path) -> None:
    with pytest.raises(CheckpointError, match="'imitator', not 'translator'"):
        load_translator(saved)


def test_a_card_of_another_kind_than_the_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not describe a Imitator"):
        save_checkpoint(tmp_path / "checkpoint", MODULES["imitator"](), card("translator"))
    assert not list(tmp_path.iterdir())


def test_saving_again_replaces_the_checkpoint_and_leaves_nothing_beside_it(saved: Path) -> None:
    save_checkpoint(saved, MODULES["imitator"](), card("imitator", epoch=4))
    assert read_card(saved).epoch == 4
    assert [path.name for path in saved.parent.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize("step", [1, 2])
def test_a_save_killed_at_either_rename_leaves_a_whole_checkpoint(
    saved: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    renames = 0
    rename = Path.rename

    def killed(self: Path, target: Path) -> Path:
        nonlocal renames
        renames += 1
        if renames == step:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(saved, MODULES["imitator"](), card("imitator", epoch=4))
    assert load_checkpoint(saved)[1].epoch == 3
    save_checkpoint(saved, MODULES["imitator"](), card("imitator", epoch=5))
    assert load_checkpoint(saved)[1].epoch == 5


def test_weights_never_initialized_cannot_pass_for_loaded_ones(saved: Path) -> None:
    loaded, _ = load_imitator(saved)
    fresh = MODULES["imitator"]()
    nn.init.zeros_(fresh.layers[-1].weight)
    vectors = torch.rand(1, 5)
    assert not torch.allclose(loaded(vectors), fresh.eval()(vectors))
