"""A created character as files.

<photo>/
  parameters.json          values in engine units, by group; how it was made, and how sure one may be
  aligned.png              the photo in the studio's frame
  imitator.png engine.png  the imitator's picture, and the engine's own, of the same parameters
  side_by_side.png
  convergence.svg          the loss over the steps of the search, if there was one
  search.gif, search.mp4   the search as a film, if it was asked for
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image

from engine_bridge.frames import Picture
from engine_bridge.schema import ParameterSchema
from f2p_datasets.durable import appearing_file
from f2p_models.creation import Creation, IterativeConfig, Panel, parameters_document, side_by_side
from flows.layout import COMPARISON_FILE, PARAMETERS_FILE
from flows.photos.portraits import Portrait
from flows.pictures.animations import AnimationFormat, write_animation
from flows.pictures.curves import draw_curve, standalone_drawing

CONVERGENCE_FILE: Final = "convergence.svg"
_DECIMALS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """A probability, and what it was calibrated on. ``value`` is None where the version was never calibrated."""

    value: float | None
    basis: str


@dataclass(frozen=True, kw_only=True)
class Character:
    """What was made of a portrait.

    creation    of this photo alone (B = 1), searched as ``config`` says
    rendered    the engine's picture of it, ``imitated`` the imitator's; (H, W, 3) uint8
    similarity  of the photo and the engine's picture, by the version's embedder
    film        frames of the search; none if it was not asked for
    """

    portrait: Portrait
    creation: Creation
    config: IterativeConfig
    rendered: Picture
    imitated: Picture
    similarity: float
    confidence: Confidence
    film: Sequence[Picture] = ()


def write_character(
    character: Character, folder: Path, schema: ParameterSchema, *, version: int, animation: AnimationFormat | None
) -> Path:
    """Write the folder; ``parameters.json`` last, so that a folder with it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    portrait, creation = character.portrait, character.creation
    pictures = {
        "aligned.png": portrait.shown,
        "imitator.png": character.imitated,
        "engine.png": character.rendered,
        COMPARISON_FILE: _comparison(character),
    }
    for name, picture in pictures.items():
        Image.fromarray(picture).save(folder / name)
    if creation.curves.shape[1] > 1:
        (folder / CONVERGENCE_FILE).write_text(_convergence(creation), encoding="utf-8")
    if animation and character.film:
        write_animation(character.film, folder / f"search.{animation}")
    document = parameters_document(
        schema,
        creation.vector(0),
        version=version,
        mode=creation.mode,
        reason=creation.reasons[0],
        similarity=character.similarity,
        photo=portrait.photo.name,
        extra=_facts(character),
    )
    with appearing_file(folder / PARAMETERS_FILE) as stream:
        stream.write((json.dumps(document, indent=1) + "\n").encode())
    return folder


def _facts(character: Character) -> dict[str, Any]:
    """What ``parameters.json`` says beside the parameters."""
    value, quality = character.confidence.value, character.portrait.quality.to_dict()
    pose = {name: quality.pop(name) for name in ("yaw_deg", "pitch_deg", "roll_deg")}
    return {
        "confidence": None if value is None else round(value, _DECIMALS),
        "confidence_basis": character.confidence.basis,
        "pose": pose,
        "face": quality,
        "search": _search_facts(character),
    }


def _search_facts(character: Character) -> dict[str, Any] | None:
    curve, config = character.creation.curves[0].tolist(), character.config
    if not curve:
        return None
    return {
        "steps": config.steps,
        "restarts": config.restarts,
        "seed": config.seed,
        "loss": [round(loss, _DECIMALS) for loss in curve],
        "final_loss": round(float(character.creation.losses[0]), _DECIMALS),
    }


def _comparison(character: Character) -> Picture:
    portrait, creation = character.portrait, character.creation
    note = f"similarity {character.similarity:.2f}"
    if character.confidence.value is not None:
        note += f", confidence {character.confidence.value:.0%}"
    panels = [
        Panel(title="photo", picture=portrait.shown),
        Panel(title="imitator", picture=character.imitated),
        Panel(title="engine", picture=character.rendered, note=note),
    ]
    return side_by_side(panels, caption=f"{creation.mode}: {creation.reasons[0]}")


def _convergence(creation: Creation) -> str:
    label = "facial similarity loss over the steps of the search"
    points = list(enumerate(creation.curves[0].tolist()))
    return standalone_drawing(draw_curve(points, label, unit="step"), label)
