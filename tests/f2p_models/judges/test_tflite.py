from __future__ import annotations

from pathlib import Path

import pytest
import torch

from f2p_models.errors import WeightsError
from f2p_models.judges.graph import GraphNetwork
from f2p_models.judges.tflite import read_tflite


def test_the_mesh_is_what_the_original_runtime_gives(weights: Path) -> None:
    """Numbers of ai-edge-litert 2.3.0, which differ from ours by 1.6e-4 of 113 at most."""
    across = torch.arange(192.0).expand(192, 192) / 191
    picture = torch.stack([across, across.T, (across + across.T) / 2])[None]
    mesh = GraphNetwork(read_tflite(weights / "face_landmark.tflite", "conv2d_20"))(picture).flatten()
    assert mesh[:6].tolist() == pytest.approx([92.92093, 112.73978, -12.31416, 92.2883, 98.63583, -26.46539], abs=1e-3)
    assert float(mesh.sum()) == pytest.approx(86174.8, abs=1.0)


def test_a_tensor_that_is_not_there_is_named(weights: Path) -> None:
    with pytest.raises(WeightsError, match="no tensor 'conv2d_99'"):
        read_tflite(weights / "face_landmark.tflite", "conv2d_99")


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 an archive, not a model"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes | None) -> None:
    pytest.importorskip("tflite")
    path = tmp_path / "model.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"cannot be read|not a TensorFlow Lite model"):
        read_tflite(path, "y")


def test_without_the_reader_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tflite", None)
    with pytest.raises(WeightsError, match=r"pip install '\.\[judges\]'"):
        read_tflite(tmp_path / "model.tflite", "y")
