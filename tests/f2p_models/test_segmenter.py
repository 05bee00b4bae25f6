from __future__ import annotations

from pathlib import Path

import pytest
import torch

from f2p_models.errors import ConfigError, TensorError, WeightsError
from f2p_models.segmenter import Segmenter, SegmenterConfig
from f2p_models.vision import torchvision

NARROW = SegmenterConfig(width=0.125, blocks=(1, 1, 1, 1), input_px=64)


@pytest.fixture(scope="module")
def full_state() -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torchvision.models.resnet50().state_dict()
    return state


def test_the_default_trunk_has_the_names_and_shapes_of_resnet50(full_state: dict[str, torch.Tensor]) -> None:
    own = {key: value.shape for key, value in Segmenter(SegmenterConfig()).state_dict().items()}
    trunk = {key: value.shape for key, value in full_state.items() if not key.startswith("fc.")}
    assert own == {**trunk, "head.weight": (11, 2048, 1, 1), "head.bias": (11,)}


def test_the_default_output_is_an_eighth_of_256() -> None:
    with torch.no_grad():
        segmentation = Segmenter(SegmenterConfig()).eval()(torch.rand(1, 3, 256, 256))
    assert segmentation.logits.shape == (1, 11, 32, 32)
    assert segmentation.features.shape == (1, 2048, 32, 32)


def test_stage_resolutions_are_a_quarter_and_then_an_eighth() -> None:
    segmenter, sides = Segmenter(NARROW).eval(), []
    for stage in (segmenter.layer1, segmenter.layer2, segmenter.layer3, segmenter.layer4):
        stage.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-1]))
    segmenter(torch.rand(1, 3, 64, 64))
    assert sides == [16, 8, 8, 8]


def test_up_to_the_second_stage_the_trunk_computes_what_torchvisions_does(
    full_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(full_state, tmp_path / "resnet50.pth")
    segmenter = Segmenter(SegmenterConfig(input_px=64)).eval()
    segmenter.load_imagenet_trunk(tmp_path / "resnet50.pth")
    reference = torchvision.models.resnet50()
    reference.load_state_dict(full_state)
    reference.eval()
    pictures = torch.rand(1, 3, 64, 64)
    normalized = torchvision.transforms.functional.normalize(pictures, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.no_grad():
        x = reference.maxpool(reference.relu(reference.bn1(reference.conv1(normalized))))
        expected = reference.layer2(reference.layer1(x))
        found = segmenter.layer2(segmenter.layer1(x))
        assert segmenter(pictures).features.shape == (1, 2048, 8, 8)
    torch.testing.assert_close(found, expected)


def test_any_input_size_is_resized_to_the_configured_one() -> None:
    segmenter = Segmenter(NARROW).eval()
    assert segmenter(torch.rand(2, 3, 48, 48)).logits.shape == (2, 11, 8, 8)


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    checkers = (torch.arange(128)[:, None] + torch.arange(128)[None, :]).remainder(2).float().expand(1, 3, 128, 128)
    segmenter = Segmenter(NARROW).eval()
    gray = segmenter(torch.full((1, 3, 128, 128), 0.5)).logits
    middle = (slice(None), slice(None), slice(3, 5), slice(3, 5))
    torch.testing.assert_close(segmenter(checkers).logits[middle], gray[middle], atol=0.05, rtol=0.05)


def test_probabilities_sum_to_one_over_the_parts() -> None:
    probabilities = Segmenter(NARROW).eval()(torch.rand(2, 3, 64, 64)).probabilities
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2, 8, 8))


def test_features_are_what_the_last_convolution_reads() -> None:
    segmenter = Segmenter(NARROW).eval()
    segmentation = segmenter(torch.rand(2, 3, 64, 64))
    torch.testing.assert_close(segmenter.head(segmentation.features), segmentation.logits)


def test_pictures_in_bytes_range_are_refused_with_their_range() -> None:
    with pytest.raises(TensorError, match=r"\[0, 1\], got .* to 25\d"):
        Segmenter(NARROW)(torch.rand(2, 3, 64, 64) * 255)


def test_a_narrowed_segmenter_refuses_imagenet_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="set width to 1"):
        Segmenter(NARROW).load_imagenet_trunk(tmp_path / "resnet50.pth")


def test_weights_of_another_resnet_are_refused(tmp_path: Path) -> None:
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "resnet18.pth")
    with pytest.raises(WeightsError, match="not a torchvision resnet50"):
        Segmenter(SegmenterConfig()).load_imagenet_trunk(tmp_path / "resnet18.pth")


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"width": -1.0}, "width"), ({"input_px": 100}, "input_px"), ({"blocks": (1, 1, 1, 0)}, "blocks")],
)
def test_a_bad_configuration_names_its_field(fields: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        SegmenterConfig(**fields)  # type: ignore[arg-type]
