"""The encoding of parameters."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_bridge.errors import SchemaError
from engine_bridge.schema import ContinuousParameter, DiscreteParameter, ParameterSchema


def slider(name: str, minimum: float = -2.0, maximum: float = 6.0) -> ContinuousParameter:
    middle = (minimum + maximum) / 2
    return ContinuousParameter(
        name=name,
        group=name.split(".")[0],
        bone=name.split(".")[0],
        controller="tx",
        minimum=minimum,
        maximum=maximum,
        default=middle,
    )


def choice(name: str, *names: str) -> DiscreteParameter:
    return DiscreteParameter(name=name, group="hair", choices=names, default=names[0])


SCHEMA = ParameterSchema(
    character="test",
    title="Test",
    head="adult_female",
    continuous=(slider("nose.tx"), slider("nose.ty", 0.8, 1.2), slider("jaw.tx")),
    discrete=(choice("hairstyle", "bald", "bob", "bun"), choice("beard_style", "none", "full")),
)
FRACTIONS = st.floats(0.0, 1.0, width=32)


@given(st.lists(FRACTIONS, min_size=3, max_size=3), st.sampled_from(["bald", "bob", "bun"]))
def test_encoding_a_decoded_vector_gives_the_vector_back(fractions: list[float], hairstyle: str) -> None:
    vector = SCHEMA.default_vector()
    vector[:3] = fractions
    vector[SCHEMA.blocks["hairstyle"]] = [hairstyle == name for name in ("bald", "bob", "bun")]
    np.testing.assert_allclose(SCHEMA.encode(SCHEMA.decode(vector)), vector, atol=1e-6)


@given(st.floats(-2.0, 6.0), st.sampled_from(["none", "full"]))
def test_decoding_encoded_values_gives_the_values_back(position: float, beard: str) -> None:
    values = SCHEMA.decode(SCHEMA.default_vector()) | {"jaw.tx": position, "beard_style": beard}
    decoded = SCHEMA.decode(SCHEMA.encode(values))
    assert decoded["beard_style"] == beard
    assert decoded["jaw.tx"] == pytest.approx(position, abs=1e-5)


def test_a_vector_holds_sliders_first_and_then_one_block_per_choice() -> None:
    values = {"nose.tx": 6.0, "nose.ty": 0.8, "jaw.tx": 2.0, "hairstyle": "bun", "beard_style": "none"}
    np.testing.assert_allclose(SCHEMA.encode(values), [1, 0, 0.5, 0, 0, 1, 1, 0], atol=1e-6)


def test_the_average_face_has_sliders_in_the_middle() -> None:
    np.testing.assert_allclose(SCHEMA.default_vector()[:3], 0.5, atol=1e-6)


def test_hardening_clips_sliders_and_keeps_only_the_largest_entry_of_each_block() -> None:
    hard = SCHEMA.harden([1.5, -0.5, 0.25, 0.2, 0.5, 0.3, 0.1, 0.9])
    np.testing.assert_array_equal(hard, np.float32([1, 0, 0.25, 0, 1, 0, 0, 1]))


def test_groups_list_the_vector_indices_of_their_sliders() -> None:
    assert SCHEMA.groups == {"nose": (0, 1), "jaw": (2,)}


def test_the_dictionary_form_survives_json() -> None:
    assert ParameterSchema.from_dict(json.loads(json.dumps(SCHEMA.to_dict()))) == SCHEMA


def test_the_fingerprint_changes_with_a_range() -> None:
    wider = ParameterSchema.from_dict(
        {**SCHEMA.to_dict(), "continuous": [vars(slider("nose.tx", -3.0)), *SCHEMA.to_dict()["continuous"][1:]]}
    )
    assert wider.fingerprint != SCHEMA.fingerprint


def test_the_fingerprint_is_the_same_for_equal_schemas() -> None:
    assert ParameterSchema.from_dict(SCHEMA.to_dict()).fingerprint == SCHEMA.fingerprint


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"jaw.tx": 7.0}, r"jaw\.tx: 7\.0 lies outside \[-2\.0, 6\.0\]"),
        ({"jaw.tx": float("nan")}, r"jaw\.tx: nan is not a finite number"),
        ({"jaw.tx": "wide"}, r"jaw\.tx: 'wide' is not a finite number"),
        ({"hairstyle": "mohawk"}, r"hairstyle: 'mohawk' is none of its choices"),
        ({"ear.tx": 0.0}, r"'ear\.tx' is no parameter"),
    ],
)
def test_a_wrong_value_is_refused_by_name(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(SchemaError, match=complaint):
        SCHEMA.encode({**SCHEMA.decode(SCHEMA.default_vector()), **change})


def test_a_missing_value_is_refused_by_name() -> None:
    values = SCHEMA.decode(SCHEMA.default_vector())
    del values["nose.ty"]
    with pytest.raises(SchemaError, match=r"1 value\(s\) missing, first 'nose.ty'"):
        SCHEMA.encode(values)


@pytest.mark.parametrize("vector", [[0.5] * 7, [[0.5] * 8], [1.5] * 8, [float("nan")] * 8])
def test_a_vector_of_wrong_shape_or_range_is_refused(vector: list[float]) -> None:
    with pytest.raises(SchemaError, match="a vector"):
        SCHEMA.check_vector(vector)


def test_parameter_names_must_be_unique() -> None:
    with pytest.raises(SchemaError, match=r"repeated: nose\.tx"):
        ParameterSchema(character="x", title="x", head="x", continuous=(slider("nose.tx"), slider("nose.tx")))


def test_a_schema_without_sliders_is_refused() -> None:
    with pytest.raises(SchemaError, match="at least one continuous parameter"):
        ParameterSchema(character="x", title="x", head="x", continuous=())


def test_something_else_than_a_schema_is_refused() -> None:
    with pytest.raises(SchemaError, match="not a parameter schema"):
        ParameterSchema.from_dict({"character": "x"})
