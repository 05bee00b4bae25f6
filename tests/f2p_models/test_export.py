from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from f2p_models.errors import ExportError
from f2p_models.export import export_onnx
from f2p_models.imitator import Imitator, ImitatorConfig
from f2p_models.translator import Translator, TranslatorConfig


@pytest.fixture
def imitator() -> Imitator:
    network = Imitator(ImitatorConfig(vector_size=5, resolution=64, width=0.05))
    network(torch.rand(8, 5))  # statistics of normalisation that are not the initial ones
    return network


@pytest.fixture
def translator() -> Translator:
    network = Translator(TranslatorConfig(embedding_size=8, num_continuous=3, block_sizes=(2, 4)), torch.rand(8))
    nn.init.normal_(network.continuous_head.weight)
    return network


def test_an_imitator_runs_in_plain_onnxruntime_at_any_batch_size(imitator: Imitator, tmp_path: Path) -> None:
    export_onnx(imitator, tmp_path / "imitator.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "imitator.onnx")
    for batch in (1, 3):
        vectors = torch.rand(batch, 5)
        (pictures,) = session.run(["pictures"], {"vectors": vectors.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(pictures, imitator.eval().picture(vectors).numpy(), atol=1e-5)


def test_a_translator_runs_in_plain_onnxruntime_at_any_batch_size(translator: Translator, tmp_path: Path) -> None:
    export_onnx(translator, tmp_path / "translator.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "translator.onnx")
    for batch in (1, 3):
        embeddings = torch.randn(batch, 8)
        (vectors,) = session.run(["vectors"], {"embeddings": embeddings.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(vectors, translator.eval()(embeddings).numpy(), atol=1e-5)


def test_the_file_is_all_there_is(imitator: Imitator, tmp_path: Path) -> None:
    report = export_onnx(imitator, tmp_path / "imitator.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["imitator.onnx"]
    assert report.path == tmp_path / "imitator.onnx"


def test_the_report_holds_the_measured_difference(translator: Translator, tmp_path: Path) -> None:
    assert 0.0 <= export_onnx(translator, tmp_path / "translator.onnx").max_abs_difference < 1e-5


def test_a_difference_beyond_the_tolerance_is_an_error_and_leaves_no_file(imitator: Imitator, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"imitator\.onnx: ONNX differs"):
        export_onnx(imitator, tmp_path / "imitator.onnx", tolerance=-1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_network_in_training_stays_in_training(translator: Translator, tmp_path: Path) -> None:
    export_onnx(translator.train(), tmp_path / "translator.onnx")
    assert translator.training


def test_exporting_prints_nothing(translator: Translator, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    export_onnx(translator, tmp_path / "translator.onnx")
    assert capfd.readouterr() == ("", "")
