from __future__ import annotations

import pytest
import torch
from torch import nn

from f2p_models.errors import ConfigError, TensorError
from f2p_models.translator import SqueezeExcitation, Translator, TranslatorConfig

PAPER = TranslatorConfig(embedding_size=256, num_continuous=208, block_sizes=(22, 36, 19, 25))
SMALL = TranslatorConfig(embedding_size=8, num_continuous=3, block_sizes=(2, 4))


def linear_shapes(module: nn.Module) -> list[tuple[int, int]]:
    return [(layer.in_features, layer.out_features) for layer in module.modules() if isinstance(layer, nn.Linear)]


def awake(config: TranslatorConfig, center: torch.Tensor | None = None) -> Translator:
    """A translator whose heads no longer stand at zero."""
    translator = Translator(config, center).eval()
    for head in (translator.continuous_head, translator.discrete_head):
        if head is not None:
            nn.init.normal_(head.weight, std=0.05)
    return translator


def test_the_layers_are_table_4() -> None:
    block = [(512, 1024), (1024, 512), (512, 16), (16, 512)]
    assert linear_shapes(Translator(PAPER)) == [(256, 512), *block, *block, *block, (512, 208), (512, 102)]


def test_without_attention_only_the_gates_are_missing() -> None:
    plain = TranslatorConfig(embedding_size=256, num_continuous=208, block_sizes=(22, 36, 19, 25), attention=False)
    block = [(512, 1024), (1024, 512)]
    assert linear_shapes(Translator(plain)) == [(256, 512), *block, *block, *block, (512, 208), (512, 102)]
    assert Translator(plain)(torch.rand(2, 256)).shape == (2, 310)


def test_an_untrained_translator_answers_the_average_face() -> None:
    vectors = Translator(SMALL).eval()(torch.randn(5, 8))
    expected = torch.tensor([0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25])
    torch.testing.assert_close(vectors, expected.expand(5, 9))


def test_vectors_lie_in_the_unit_interval_and_blocks_sum_to_one() -> None:
    vectors = awake(SMALL)(100 * torch.randn(64, 8))
    assert vectors.min() >= 0.0
    assert vectors.max() <= 1.0
    torch.testing.assert_close(vectors[:, 3:5].sum(1), torch.ones(64))
    torch.testing.assert_close(vectors[:, 5:9].sum(1), torch.ones(64))


def test_beta_sharpens_the_blocks_and_leaves_the_sliders() -> None:
    translator, embeddings = awake(SMALL), torch.randn(16, 8)
    soft, sharp = translator(embeddings), translator(embeddings, beta=100.0)
    torch.testing.assert_close(soft[:, :3], sharp[:, :3])
    assert (sharp[:, 5:].amax(1) > soft[:, 5:].amax(1)).all()
    assert torch.equal(sharp[:, 5:].argmax(1), soft[:, 5:].argmax(1))


def test_a_character_without_discrete_parameters_has_no_discrete_head() -> None:
    translator = Translator(TranslatorConfig(embedding_size=8, num_continuous=3))
    assert translator.discrete_head is None
    assert translator(torch.randn(2, 8)).shape == (2, 3)


def test_the_scale_of_centered_embeddings_does_not_matter() -> None:
    center = torch.randn(8)
    translator, offsets = awake(SMALL, center), torch.randn(4, 8)
    torch.testing.assert_close(translator(center + 0.05 * offsets), translator(center + 5 * offsets))


def test_one_photo_is_translated_as_in_a_batch_even_in_training_mode() -> None:
    translator, embeddings = awake(SMALL).train(), torch.randn(4, 8)
    torch.testing.assert_close(translator(embeddings)[:1], translator(embeddings[:1]))


def test_the_gate_multiplies_by_weights_between_zero_and_one() -> None:
    vectors = torch.randn(4, 512)
    ratio = SqueezeExcitation()(vectors) / vectors
    assert 0.0 < ratio.min() < ratio.max() < 1.0


def test_the_center_travels_with_the_weights() -> None:
    center = torch.randn(8)
    restored = Translator(SMALL)
    restored.load_state_dict(Translator(SMALL, center).state_dict())
    assert torch.equal(restored.center, center)


def test_gradient_reaches_every_weight() -> None:
    translator = awake(SMALL)
    translator(torch.randn(8, 8)).square().sum().backward()
    assert [
        name for name, weight in translator.named_parameters() if weight.grad is None or not weight.grad.any()
    ] == []


def test_an_embedding_of_another_size_is_refused() -> None:
    with pytest.raises(TensorError, match=r"\(B, 8\).*\(2, 9\)"):
        Translator(SMALL)(torch.randn(2, 9))


def test_a_center_of_another_size_is_refused() -> None:
    with pytest.raises(TensorError, match=r"center: expected \(8,\), got \(9,\)"):
        Translator(SMALL, torch.zeros(9))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"embedding_size": 0}, "embedding_size"),
        ({"num_continuous": 0}, "num_continuous"),
        ({"block_sizes": (1,)}, "block"),
    ],
)
def test_a_bad_configuration_names_its_field(fields: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        TranslatorConfig(**{"embedding_size": 8, "num_continuous": 3, **fields})  # type: ignore[arg-type]
