from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.torch
import torch

from f2p_models.errors import PriorsError
from f2p_models.priors import FacialPriors, load_priors, save_priors

Vectors = npt.NDArray[np.float32]


@pytest.fixture
def path(priors: FacialPriors, tmp_path: Path) -> Path:
    save_priors(tmp_path / "priors.safetensors", priors)
    return tmp_path / "priors.safetensors"


def rewrite(path: Path, *, drop: str | None = None, **card: object) -> None:
    """The same file without one tensor, or with other statements about itself."""
    tensors = safetensors.torch.load_file(path)
    with safetensors.safe_open(path, "pt") as stream:
        stated = json.loads(stream.metadata()["priors"])
    kept = {name: tensor for name, tensor in tensors.items() if name != drop}
    safetensors.torch.save_file(kept, path, {"priors": json.dumps(stated | card)})


def test_priors_come_back_as_they_were_saved(priors: FacialPriors, path: Path, faces: Vectors) -> None:
    loaded = load_priors(path, expect_fingerprint=priors.card.fingerprint)
    assert loaded.card == priors.card
    assert [group.name for group in loaded.groups] == [group.name for group in priors.groups]
    vectors = torch.from_numpy(faces)
    torch.testing.assert_close(loaded.project(vectors), priors.project(vectors), atol=0, rtol=0)


def test_the_same_priors_are_the_same_bytes_and_the_hash_is_theirs(path: Path, tmp_path: Path) -> None:
    digest = save_priors(tmp_path / "again.safetensors", load_priors(path))
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_priors_of_another_schema_are_refused_naming_both(priors: FacialPriors, path: Path) -> None:
    with pytest.raises(PriorsError, match=f"schema {priors.card.fingerprint} of tiny, but .* schema is 0123"):
        load_priors(path, expect_fingerprint="0123")


def test_a_missing_or_cut_file_is_refused_with_the_way_out(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])
    for bad in (path, path.with_name("none.safetensors")):
        with pytest.raises(PriorsError, match="f2p priors fit"):
            load_priors(bad)


def test_a_file_of_other_tensors_is_refused(tmp_path: Path) -> None:
    safetensors.torch.save_file({"weights": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(PriorsError, match="not facial priors"):
        load_priors(tmp_path / "other.safetensors")


@pytest.mark.parametrize("drop", ["mean", "nose.axes"])
def test_a_tensor_that_is_missing_is_named(drop: str, path: Path) -> None:
    rewrite(path, drop=drop)
    with pytest.raises(PriorsError, match=f"'{drop}' is missing"):
        load_priors(path)


@pytest.mark.parametrize("card", [{"format": "f2p-priors-9"}, {"color": "red"}, {"limit": "far"}, {"limit": -1.0}])
def test_a_file_that_says_something_else_about_itself_is_refused(card: dict[str, object], path: Path) -> None:
    rewrite(path, **card)
    with pytest.raises(PriorsError, match="not facial priors"):
        load_priors(path)
