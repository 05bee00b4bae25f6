from __future__ import annotations

from pathlib import Path

import pytest
import torch

from f2p_models.embedders import LightCnnEmbedder, Template, build_embedder
from f2p_models.embedders.lightcnn import LightCnn29V2
from f2p_models.errors import WeightsError


def official_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the authors' V2 checkpoint, without its classifier."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.filter.weight": (96, 1, 5, 5)}
    for block, (channels, count) in enumerate([(48, 1), (96, 2), (192, 3), (128, 4)], start=1):
        for index in range(count):
            for conv in ("conv1", "conv2"):
                shapes[f"block{block}.{index}.{conv}.filter.weight"] = (2 * channels, channels, 3, 3)
    for group, (inputs, outputs) in enumerate([(48, 96), (96, 192), (192, 128), (128, 128)], start=1):
        shapes[f"group{group}.conv_a.filter.weight"] = (2 * inputs, inputs, 1, 1)
        shapes[f"group{group}.conv.filter.weight"] = (2 * outputs, inputs, 3, 3)
    shapes["fc.weight"] = (256, 8192)
    return shapes | {name.replace("weight", "bias"): shape[:1] for name, shape in shapes.items()}


def official_state(scale: float = 0.02) -> dict[str, torch.Tensor]:
    return {f"module.{name}": scale * torch.randn(shape) for name, shape in official_shapes().items()}


def save(path: Path, state: dict[str, torch.Tensor]) -> Path:
    torch.save({"epoch": 80, "arch": "LightCNN-29v2", "state_dict": state, "prec1": torch.tensor(0.9)}, path)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file like the authors': DataParallel names and a classifier, here of 5 people; weights are random."""
    torch.manual_seed(0)
    state = {**official_state(), "module.fc2.weight": torch.randn(5, 256)}
    return save(tmp_path_factory.mktemp("lightcnn") / "LightCNN_29Layers_V2_checkpoint.pth.tar", state)


def test_names_and_shapes_are_the_authors() -> None:
    assert {name: tuple(value.shape) for name, value in LightCnn29V2().state_dict().items()} == official_shapes()


def test_an_official_checkpoint_loads_and_embeds(checkpoint: Path, template: Template) -> None:
    embedder = build_embedder("lightcnn", template, checkpoint)
    assert embedder.embed(torch.rand(2, 3, 128, 128)).shape == (2, 256)
    assert embedder.embedding_size == 256


def test_gradients_reach_the_pixels_and_no_weight(checkpoint: Path, template: Template) -> None:
    embedder, pictures = LightCnnEmbedder(checkpoint, template), torch.rand(1, 3, 128, 128, requires_grad=True)
    embedder.embed(pictures).sum().backward()
    assert pictures.grad is not None
    assert pictures.grad[0, :, 50:80, 50:80].abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in embedder.parameters())


def test_a_gray_picture_reaches_the_network_with_its_own_brightness(
    checkpoint: Path, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder, seen = LightCnnEmbedder(checkpoint, template), []
    embedder.network.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    embedder.embed(torch.full((1, 3, 128, 128), 0.25))
    torch.testing.assert_close(seen[0], torch.full((1, 1, 128, 128), 0.25))


def test_similarity_is_the_plain_cosine(checkpoint: Path, template: Template) -> None:
    embedder, first, second = LightCnnEmbedder(checkpoint, template), torch.randn(3, 256), torch.randn(3, 256)
    torch.testing.assert_close(embedder.similarity(first, second), torch.cosine_similarity(first, second))


def test_the_maximum_is_taken_between_the_two_halves_of_the_channels() -> None:
    unit = LightCnn29V2().conv1
    x = torch.rand(1, 1, 8, 8)
    maps = unit.filter(x)
    torch.testing.assert_close(unit(x), torch.maximum(maps[:, :48], maps[:, 48:]))


def test_version_1_is_refused_by_name(tmp_path: Path, template: Template) -> None:
    state = {**official_state(), "module.fc.filter.weight": torch.zeros(512, 8192)}
    with pytest.raises(WeightsError, match="LightCNN-29 v1; download LightCNN_29Layers_V2"):
        LightCnnEmbedder(save(tmp_path / "v1.pth.tar", state), template)


def test_a_checkpoint_with_a_missing_array_is_refused_in_one_line(tmp_path: Path, template: Template) -> None:
    state = official_state()
    del state["module.fc.bias"]
    with pytest.raises(WeightsError, match=r"not LightCNN-29 v2.*fc\.bias") as caught:
        LightCnnEmbedder(save(tmp_path / "cut.pth.tar", state), template)
    assert "\n" not in str(caught.value)


def test_a_cut_file_is_refused(checkpoint: Path, tmp_path: Path, template: Template) -> None:
    (tmp_path / "cut.pth.tar").write_bytes(checkpoint.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="download it again"):
        LightCnnEmbedder(tmp_path / "cut.pth.tar", template)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, template: Template) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"state_dict": Trap()}, tmp_path / "trap.pth.tar")
    with pytest.raises(WeightsError, match="plain tensors"):
        LightCnnEmbedder(tmp_path / "trap.pth.tar", template)
    assert not (tmp_path / "sprung").exists()


def test_a_missing_file_is_named(tmp_path: Path, template: Template) -> None:
    with pytest.raises(WeightsError, match=r"nothing\.pth\.tar: no such file"):
        LightCnnEmbedder(tmp_path / "nothing.pth.tar", template)


def test_lightcnn_without_a_path_says_what_to_give(template: Template) -> None:
    with pytest.raises(WeightsError, match="needs the path of LightCNN_29Layers_V2_checkpoint"):
        build_embedder("lightcnn", template)
