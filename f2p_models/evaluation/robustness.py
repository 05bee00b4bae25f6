"""How much a created character changes when its photo is disturbed.

N photos, V entries of a vector, H W pixels. Likeness is judged on the engine's render, always against the photo as it
was: what a disturbance hides, a good creator still guesses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine_bridge.errors import InputError
from engine_bridge.schema import ParameterSchema
from f2p_models.creation import Creator
from f2p_models.creation.mode import Mode
from f2p_models.creation.rendering import Renderer
from f2p_models.evaluation.disturbances import Disturbance
from f2p_models.evaluation.parameters import ParameterErrors, Vectors, measure_parameters
from f2p_models.evaluation.retrieval import Judge, Retrieval, judged_embeddings, judged_similarity, measure_retrieval
from f2p_models.pictures import from_pictures, to_bytes

#: Number of a disturbance and of a photo -> where what is random comes from.
Randomness = Callable[[int, int], np.random.Generator]


@dataclass(frozen=True, kw_only=True)
class Characters:
    """Made of N photos: the photos as the creator saw them, hardened vectors (N, V), the engine's renders."""

    photos: Tensor
    vectors: Vectors
    renders: Tensor


@dataclass(frozen=True, kw_only=True)
class Robustness:
    """Of characters from photos disturbed in one way. The undisturbed ones are described in the same words.

    slider_change  mean absolute difference of encoded sliders to the undisturbed photo's character
    choices_kept   share of choices that are the same
    judged         judge -> how the undisturbed photos are found by the characters' renders
    parameters     errors against the truth, where it is known
    """

    name: str
    family: str
    slider_change: float
    choices_kept: float
    judged: Mapping[str, Retrieval]
    parameters: ParameterErrors | None


@dataclass(frozen=True, kw_only=True)
class RobustnessResult:
    """``people_differ`` is the mean difference of sliders between the characters of two undisturbed photos: the unit
    in which a change of sliders is much or little."""

    undisturbed: Robustness
    disturbed: tuple[Robustness, ...]
    people_differ: float


class RobustnessTrial:
    """One creator in one mode on one set of aligned photos (N, 3, H, W) in [0, 1], N at least 2.

    ``judges`` are asked by name; ``truth`` are the vectors (N, V) that photo-like renders were made from.
    """

    def __init__(
        self,
        creator: Creator,
        photos: Tensor,
        render: Renderer,
        judges: Mapping[str, Judge],
        *,
        mode: Mode,
        randomness: Randomness,
        truth: Vectors | None = None,
    ) -> None:
        if len(photos) < 2:
            raise InputError(f"photos: {len(photos)}; a photo is found among 2 at least")
        self._creator, self._render, self._judges = creator.with_engine(render), render, judges
        self._mode, self._randomness, self._truth = mode, randomness, truth
        self._seen = {name: judged_embeddings(judge, photos, self._device) for name, judge in judges.items()}
        self.undisturbed = self._create(photos)

    @property
    def _device(self) -> torch.device:
        return self._creator.bundle.device

    def characters(self, number: int, disturbance: Disturbance) -> Characters:
        """Of the photos disturbed; ``number`` tells the disturbance's random draws from other ones'."""
        pictures = to_bytes(self.undisturbed.photos)
        disturbed = [disturbance.apply(picture, self._randomness(number, row)) for row, picture in enumerate(pictures)]
        return self._create(from_pictures(disturbed))

    def measure(self, characters: Characters, name: str, family: str) -> Robustness:
        """These characters beside the undisturbed ones."""
        schema = self._creator.bundle.schema
        return Robustness(
            name=name,
            family=family,
            slider_change=slider_difference(schema, characters.vectors, self.undisturbed.vectors),
            choices_kept=choices_kept(schema, characters.vectors, self.undisturbed.vectors),
            judged={judge: self._judge(judge, characters.renders) for judge in self._judges},
            parameters=None if self._truth is None else measure_parameters(schema, characters.vectors, self._truth),
        )

    def run(
        self, disturbances: Sequence[Disturbance], advance: Callable[[Disturbance, Characters], None]
    ) -> RobustnessResult:
        """Everything. ``advance`` is shown the characters of each disturbance: they are not kept."""
        measured = []
        for number, disturbance in enumerate(disturbances):
            characters = self.characters(number, disturbance)
            measured.append(self.measure(characters, disturbance.name, disturbance.family))
            advance(disturbance, characters)
        return RobustnessResult(
            undisturbed=self.measure(self.undisturbed, "undisturbed", ""),
            disturbed=tuple(measured),
            people_differ=difference_between(self._creator.bundle.schema, self.undisturbed.vectors),
        )

    def _create(self, photos: Tensor) -> Characters:
        vectors = self._creator.in_mode(self._mode, photos).vectors.numpy()
        return Characters(photos=photos, vectors=vectors, renders=from_pictures(self._render(vectors)))

    def _judge(self, name: str, renders: Tensor) -> Retrieval:
        judge = self._judges[name]
        return measure_retrieval(
            judged_similarity(judge, judged_embeddings(judge, renders, self._device), self._seen[name])
        )


def slider_difference(schema: ParameterSchema, first: Vectors, second: Vectors) -> float:
    """Mean absolute difference of the encoded sliders of vectors (N, V), row by row."""
    sliders = slice(0, schema.num_continuous)
    return float(np.abs(first - second)[:, sliders].mean(dtype=np.float64))


def choices_kept(schema: ParameterSchema, first: Vectors, second: Vectors) -> float:
    """Share of the discrete choices of hardened vectors (N, V) that agree; 1 where there are none."""
    same: list[npt.NDArray[np.bool_]] = [
        first[:, block].argmax(1) == second[:, block].argmax(1) for block in schema.blocks.values()
    ]
    return float(np.mean(same)) if same else 1.0


def difference_between(schema: ParameterSchema, vectors: Vectors) -> float:
    """Mean of :func:`slider_difference` over all pairs of different rows of vectors (N, V)."""
    return float(
        np.mean([slider_difference(schema, vectors, np.roll(vectors, shift, 0)) for shift in range(1, len(vectors))])
    )
