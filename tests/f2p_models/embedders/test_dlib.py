from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dlib
import numpy as np
import pytest
import torch

from f2p_models.embedders import DlibEmbedder, Template, build_embedder
from f2p_models.embedders.dlib_file import DlibWeights, find_weights, parse_weights
from f2p_models.embedders.dlib_resnet import CHIP_LANDMARKS, DlibResNet, load_center, load_stranger_distance
from f2p_models.errors import TensorError, WeightsError

if TYPE_CHECKING:
    from conftest import Portrait


@pytest.fixture(scope="module")
def content() -> bytes:
    return find_weights().read_bytes()


@pytest.fixture(scope="module")
def weights(content: bytes) -> DlibWeights:
    return parse_weights(content)


@pytest.fixture(scope="module")
def network(weights: DlibWeights) -> DlibResNet:
    return DlibResNet.from_weights(weights).requires_grad_(False)


@pytest.fixture(scope="module")
def embedder(template: Template) -> DlibEmbedder:
    return DlibEmbedder(template)


def gradient_chip() -> torch.Tensor:
    """R grows with x, G with y, B is 128, in bytes."""
    ramp = np.arange(150) * 255 // 149
    bytes_rgb = np.stack([np.tile(ramp, (150, 1)), np.tile(ramp[:, None], (1, 150)), np.full((150, 150), 128)])
    return torch.from_numpy(bytes_rgb)[None].float() / 255


def test_the_file_holds_the_layers_dlib_describes(weights: DlibWeights) -> None:
    assert (len(weights.convolutions), len(weights.affines), weights.fc.shape) == (29, 29, (128, 256))
    np.testing.assert_allclose(weights.mean_rgb, (122.782, 117.001, 104.298), rtol=1e-6)


def test_the_arrays_have_the_sums_dlib_reports(weights: DlibWeights) -> None:
    first, last = weights.convolutions[0][0], weights.convolutions[-1][0]
    assert [first.sum(), np.abs(first).sum(), first.flat[0]] == pytest.approx(
        [-1.0347640, 58.0782369, -0.0293299], 1e-5
    )
    assert np.abs(last).sum() == pytest.approx(279.8631144, 1e-5)
    gamma, beta = weights.affines[0]
    assert [gamma.sum(), gamma[0], beta[0]] == pytest.approx([455.132873, 12.1663227, 0.4642861], 1e-5)
    assert [np.abs(weights.fc).sum(), weights.fc[0, 0]] == pytest.approx([262.5916405, -0.0067462], 1e-4)


@pytest.mark.parametrize(
    ("chip", "first_six", "norm"),
    [
        (gradient_chip(), (-0.0499279, 0.1213504, 0.0554071, 0.0129373, -0.0520578, -0.0480684), 1.3037938),
        (
            torch.zeros(1, 3, 150, 150),
            (-0.0399175, 0.1049165, 0.0908228, -0.0088473, -0.0796071, -0.0425218),
            1.3066463,
        ),
    ],
    ids=["gradient", "black"],
)
def test_embeddings_equal_dlibs_own(
    network: DlibResNet, chip: torch.Tensor, first_six: tuple[float, ...], norm: float
) -> None:
    embedding = network(chip)[0]
    assert embedding[:6].tolist() == pytest.approx(first_six, abs=1e-6)
    assert embedding.norm().item() == pytest.approx(norm, abs=1e-6)


def dlibs_own(portrait: Portrait, shape: Any) -> torch.Tensor:
    """What dlib itself computes for these landmarks: its chip, its network."""
    chip = dlib.get_face_chip(portrait.picture, shape, 150, 0.25)
    return torch.tensor(list(dlib.face_recognition_model_v1(str(find_weights())).compute_face_descriptor(chip)))


def test_a_photo_embeds_as_in_dlib_with_the_same_five_landmarks(portrait: Portrait) -> None:
    points = [portrait.shape.part(index) for index in CHIP_LANDMARKS]
    expected = dlibs_own(portrait, dlib.full_object_detection(portrait.shape.rect, points))
    embedding = DlibEmbedder(portrait.template).embed(portrait.tensor)[0]
    assert torch.cosine_similarity(embedding, expected, dim=0).item() >= 0.9999


def test_a_photo_embeds_much_as_in_dlib_with_all_landmarks(portrait: Portrait) -> None:
    embedding = DlibEmbedder(portrait.template).embed(portrait.tensor)[0]
    assert torch.cosine_similarity(embedding, dlibs_own(portrait, portrait.shape), dim=0).item() >= 0.99


def test_the_same_photo_in_half_size_is_the_same_person(portrait: Portrait) -> None:
    embedder = DlibEmbedder(portrait.template)
    full, half = (embedder.embed(p) for p in (portrait.tensor, torch.nn.functional.avg_pool2d(portrait.tensor, 2)))
    assert embedder.similarity(full, half).item() > 0.9


def test_gradients_reach_the_pixels_and_agree_with_finite_differences(weights: DlibWeights) -> None:
    precise = DlibResNet.from_weights(weights).double().requires_grad_(False)
    chip = torch.rand(1, 3, 150, 150, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(chip.shape, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(precise(chip).square().sum(), chip)
    step = 1e-6 * direction
    slope = (precise(chip + step).square().sum() - precise(chip - step).square().sum()) / 2e-6
    assert (gradient != 0).double().mean() > 0.9
    assert (gradient * direction).sum().item() == pytest.approx(slope.item(), rel=1e-2)


def test_gradients_pass_the_crop(embedder: DlibEmbedder) -> None:
    pictures = torch.rand(2, 3, 128, 128, requires_grad=True)
    embedder.embed(pictures).sum().backward()
    assert pictures.grad is not None
    assert pictures.grad[:, :, 40:90, 40:90].abs().amin(dim=(1, 2, 3)).max() > 0


def test_the_network_is_frozen(embedder: DlibEmbedder) -> None:
    assert not embedder.training
    assert not any(parameter.requires_grad for parameter in embedder.parameters())


def test_bytes_are_refused(embedder: DlibEmbedder) -> None:
    with pytest.raises(TensorError, match="divide 8-bit pictures by 255"):
        embedder.embed(torch.full((1, 3, 64, 64), 200.0))


def test_similarity_is_the_cosine_around_the_mean_embedding(embedder: DlibEmbedder) -> None:
    offset = torch.randn(1, 128)
    near, far = embedder.center + 0.01 * offset, embedder.center - 0.01 * offset
    assert torch.cosine_similarity(near, far).item() > 0.9
    assert embedder.similarity(near, far).item() == pytest.approx(-1.0, abs=1e-5)


def test_a_center_of_ones_own_replaces_the_shipped_one(template: Template) -> None:
    center = torch.randn(128)
    assert torch.equal(build_embedder("dlib", template, center=center).center, center)


def test_the_shipped_center_has_the_norm_measured_on_faces() -> None:
    assert load_center().shape == (128,)
    assert load_center().norm().item() == pytest.approx(1.305, abs=0.02)


def test_the_shipped_unit_is_what_strangers_are_apart_around_the_center(template: Template) -> None:
    """Pairs of different people scatter about a cosine of 0 once the mean is taken off."""
    assert load_stranger_distance() == pytest.approx(1.0, abs=0.01)
    assert DlibEmbedder(template).stranger_distance == load_stranger_distance()
    assert DlibEmbedder(template, stranger_distance=0.5).stranger_distance == 0.5


@pytest.mark.parametrize("keep", [0, 10, 100_000, -1])
def test_a_cut_file_is_refused(content: bytes, keep: int) -> None:
    with pytest.raises(WeightsError, match="ends within a value"):
        parse_weights(content[:keep])


def test_bytes_after_the_end_are_refused(content: bytes) -> None:
    with pytest.raises(WeightsError, match="left over"):
        parse_weights(content + b"\0")


def test_another_dlib_file_is_refused() -> None:
    with pytest.raises(WeightsError, match="not this network's file"):
        parse_weights(find_weights().with_name("mmod_human_face_detector.dat").read_bytes())


def test_weights_are_named_by_their_hash(embedder: DlibEmbedder) -> None:
    assert embedder.weights_sha256 == "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"


def test_an_unknown_embedder_is_refused_with_the_known_ones(template: Template) -> None:
    with pytest.raises(WeightsError, match="'arcface' is none of dlib, lightcnn"):
        build_embedder("arcface", template)
