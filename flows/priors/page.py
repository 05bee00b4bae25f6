"""A page about facial priors: figure 6 of the TPAMI paper for this character, and photos without and with them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from engine_bridge.schema import ParameterSchema
from f2p_datasets.alignment import align_face
from f2p_datasets.detection import FaceDetector
from f2p_datasets.durable import sha256_of
from f2p_datasets.errors import PhotoError
from f2p_datasets.photo_sets import usable_faces
from f2p_datasets.photos import read_photo
from f2p_datasets.samplers import build_sampler
from f2p_datasets.slider_prior import SliderPrior
from f2p_models.priors import FacialPriors, load_priors
from flows.engines.orders import EngineOrder, agreed_schema, open_engine, studio_renderer
from flows.evaluations.hardware import circumstances
from flows.evaluations.page import EvaluationPage, Figure, Place, Table, evaluate_once
from flows.evaluations.subject import Subject, open_subject
from flows.photos.names import find_photos
from flows.priors.effect import LOOKED_AT_PX, Effect, measure_effects
from flows.priors.files import find_priors
from flows.priors.pictures import Renderer, directions_sheet, energy_chart, face_rows
from flows.progress import say
from flows.published import open_registry
from flows.settings import Settings

VERB: Final = "priors"
NUM_RANDOM: Final = 8
#: Photos shown without and with priors; the table counts all of them.
NUM_SHOWN: Final = 12
SEED: Final = 0


@dataclass(frozen=True, kw_only=True)
class PriorsOrder:
    """Whose priors to show: a file's, or for None those of a published version; and photos to create from."""

    character: str
    version: str
    priors: Path | None
    photos: tuple[str, ...]
    command: str


def show_facial_priors(
    settings: Settings, order: PriorsOrder, *, engine: EngineOrder, out: Path | None
) -> tuple[Place, dict[str, Any]]:
    """Write the page, unless it is there. Returns where, and its JSON document.

    Raises InputError for a version without priors, priors of another character, and photos without a face.
    """
    path = order.priors or find_priors(settings, order.character, order.version)
    photos = find_photos(order.photos)
    inputs = {"priors": sha256_of(path) if path.is_file() else None, "photos": [sha256_of(photo) for photo in photos]}
    if photos:  # an alias may come to mean another version
        inputs["version"] = open_registry(settings).get(order.character, order.version).identity
    with closing(open_engine(engine, settings)) as bridge:  # and closed again: an address has one owner at a time
        inputs["engine"] = f"{bridge.name} {bridge.build}"
    place = Place.of(settings, character=order.character, verb=VERB, inputs=inputs, out=out)
    return place, evaluate_once(settings, place, lambda: _page(settings, order, path, photos, engine))


def _page(
    settings: Settings, order: PriorsOrder, path: Path, photos: Sequence[Path], engine: EngineOrder
) -> EvaluationPage:
    with closing(open_engine(engine, settings)) as bridge:
        schema = agreed_schema(bridge, engine, order.character, settings)
        priors = load_priors(path, expect_fingerprint=schema.fingerprint)
        render = studio_renderer(bridge, order.character, LOOKED_AT_PX)
        figures = _figures(priors, SliderPrior.load(path), schema, render)
        build = f"{bridge.name} {bridge.build}"
    tables, effects = [_groups_table(priors)], []
    if photos:
        with open_subject(settings, order.character, order.version, engine=engine) as subject:
            aligned = align_photos(photos, subject)
            effects = measure_effects(subject.creator, priors, aligned, subject.renderer(LOOKED_AT_PX))
        tables.append(_effects_table(effects, len(aligned)))
        figures.append(_effects_figure(effects, aligned))
    return EvaluationPage(
        verb=VERB,
        character=order.character,
        title=f"Facial priors of {order.character}",
        command=order.command,
        summary=f"{priors.num_sliders} sliders as {priors.num_components} components, fitted on "
        f"{priors.card.num_faces} created faces.",
        provenance={
            "priors": sha256_of(path),
            "fitted on": dict(priors.card.source),
            "engine": build,
            "photos": len(photos),
            **circumstances(),
        },
        measurements={"groups": _measured_groups(priors), "effects": [_measured(effect) for effect in effects]},
        tables=tables,
        figures=figures,
        notes=_NOTES if photos else _NOTES[:1],
    )


def _figures(priors: FacialPriors, prior: SliderPrior, schema: ParameterSchema, render: Renderer) -> list[Figure]:
    """Figure 6, and what its components are."""
    return [
        Figure(
            name="energy",
            title="Energy by number of components",
            caption="Figure 6 (a): the share of each group's variance; the dots are what is kept.",
            picture=energy_chart(priors),
        ),
        Figure(
            name="random",
            title="Random characters",
            caption="Figure 6 (b) and (c): sliders drawn with the priors, and uniformly; choices are the same.",
            picture=_random_faces(prior, schema, render),
        ),
        Figure(
            name="directions",
            title="Principal directions",
            caption="The mean face, moved along the first component of each group; drawn by the engine.",
            picture=directions_sheet(priors, schema, render),
        ),
    ]


_NOTES: Final = (
    "Priors: Shi et al., TPAMI, section 3.5, equations 11 and 12. Energy is the share of the variance.",
    "At the rails: sliders below 0.02 or above 0.98 of their range. Unlike people: landmarks further from the mean "
    "face than those of 95 % of the photos, or no face found in the engine's picture. Similarity: of the photo and the "
    "engine's picture, by the version's own embedder. Loss: equation 9, of the imitator's picture.",
)


def align_photos(photos: Sequence[Path], subject: Subject) -> list[Picture]:
    """The largest face of each photo in the studio's frame; photos without one are left out and told.

    Raises InputError when none is left.
    """
    detector, aligned = FaceDetector(), []
    for photo in photos:
        try:
            picture = read_photo(photo)
            face = usable_faces(photo, detector.detect(picture))[0]
        except PhotoError as error:
            say(f"[yellow]skipped[/] {error}")
            continue
        aligned.append(align_face(picture, face.landmarks, subject.template, LOOKED_AT_PX).picture)
    if not aligned:
        raise InputError(f"photos: none of {len(photos)} can be used; give photos of faces seen from the front")
    return aligned


def _groups_table(priors: FacialPriors) -> Table:
    rows = tuple(
        (row["group"], row["sliders"], row["components"], f"{row['energy']:.1%}", f"{row['first']:.1%}")
        for row in _measured_groups(priors)
    )
    return Table(
        title="Groups",
        header=("group", "sliders", "components kept", "variance kept", "variance of the first"),
        rows=rows,
    )


def _measured_groups(priors: FacialPriors) -> list[dict[str, Any]]:
    return [
        {
            "group": group.name,
            "sliders": len(group.indices),
            "components": group.num_components,
            "energy": group.kept_energy,
            "first": float(group.energy[0]),
            "curve": group.energy.tolist(),
        }
        for group in priors.groups
    ]


def _effects_table(effects: Sequence[Effect], num_photos: int) -> Table:
    rows = tuple(
        (
            effect.mode,
            "with" if effect.with_priors else "without",
            f"{effect.rails:.1%}",
            None if effect.unhuman is None else f"{effect.unhuman:.1%}",
            effect.similarity,
            effect.loss,
        )
        for effect in effects
    )
    return Table(
        title=f"Characters from {num_photos} photos",
        header=("mode", "priors", "sliders at the rails", "unlike people", "similarity", "loss"),
        rows=rows,
    )


def _measured(effect: Effect) -> dict[str, Any]:
    return {
        "mode": effect.mode,
        "with_priors": effect.with_priors,
        "rails": effect.rails,
        "unhuman": effect.unhuman,
        "similarity": effect.similarity,
        "loss": effect.loss,
    }


def _effects_figure(effects: Sequence[Effect], photos: Sequence[Picture]) -> Figure:
    rows = [("photos", list(photos[:NUM_SHOWN]))]
    for effect in effects:
        name = f"{effect.mode}, {'with' if effect.with_priors else 'without'} priors"
        rows.append((name, list(effect.pictures[:NUM_SHOWN])))
    return Figure(
        name="photos",
        title="The same photos without and with priors",
        caption="Photos as aligned, and the engine's pictures of the characters created from them.",
        picture=face_rows(rows, side_px=120),
    )


def _random_faces(prior: SliderPrior, schema: ParameterSchema, render: Renderer) -> Picture:
    drawn = {
        "with facial priors": build_sampler("prior", schema, SEED, prior),
        "without: sliders uniform": build_sampler("uniform", schema, SEED),
    }
    return face_rows([(name, list(render(sampler.vectors(0, NUM_RANDOM)))) for name, sampler in drawn.items()])
