"""Scene fields: each one announced does what the protocol says, each one not announced is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine_bridge.conformance.differences import compare
from engine_bridge.conformance.effects import EFFECTS
from engine_bridge.conformance.evidence import Evidence, Exhibit, judge, skip
from engine_bridge.conformance.sheets import compared
from engine_bridge.conformance.trial import Trial
from engine_bridge.errors import EngineError, InputError
from engine_bridge.frames import Frame
from engine_bridge.scene import BRIDGE_SCENE_FIELDS, ENGINE_SCENE_FIELDS, STUDIO, Occluder, Scene

#: A value for each field that nobody can overlook.
BOLD: Final[Mapping[str, Any]] = {
    "yaw_deg": 20.0,
    "pitch_deg": 14.0,
    "roll_deg": 15.0,
    "focal_length_mm": 24.0,
    "shift_x": 0.08,
    "shift_y": 0.08,
    "zoom": 1.25,
    "light_direction": (-0.9, 0.2, 0.4),
    "light_color": (1.0, 0.45, 0.25),
    "ambient_color": (0.25, 0.25, 1.6),
    "skin_tint": (0.5, 0.36, 0.3),
    "hair_tint": (2.5, 0.9, 0.5),
    "iris_tint": (0.3, 0.9, 2.5),
    "background_color": (0.7, 0.2, 0.1),
    "background_clutter": 0.8,
    "exposure": 1.5,
    "gamma": 1.5,
    "blur_sigma": 0.01,
    "noise_sigma": 0.05,
    "occluder": Occluder(center_x=0.5, center_y=0.6, width=0.3, height=0.2),
}
#: So little changes nothing that can be seen: this share of the pixels, by so many levels on average.
LEAST, NEUTRAL_SHARE, NEUTRAL_MEAN = 1e-5, 0.005, 0.3
FEWEST_PIXELS_SHARE: Final = 12 / 256**2
MOST_EXHIBITS: Final = 8


def scene_fields_act(trial: Trial) -> Evidence:
    """Every field announced changes the picture, in the direction and by the amount that the protocol gives."""
    names = sorted(BOLD.keys() & trial.announced.scene_fields)
    if not names:
        return skip("no scene fields announced: the studio only")
    frames = trial.render([trial.shot(), *[trial.shot(scene=Scene(**{name: BOLD[name]})) for name in names]])
    complaints = {}
    for name, frame in zip(names, frames[1:], strict=True):
        complaint = _complaint(trial, name, frames[0], frame)
        if complaint:
            complaints[name] = complaint, frame
    if not complaints:
        return judge(True, f"all {len(names)} announced fields act as specified", names=tuple(names))
    told = "; ".join(f"{name} {complaint}" for name, (complaint, _) in complaints.items())
    shown = tuple(
        Exhibit(
            title=f"{name} = {BOLD[name]}",
            picture=compared(frames[0], frame),
            caption=f"studio, scene, difference: {complaint}",
        )
        for name, (complaint, frame) in list(complaints.items())[:MOST_EXHIBITS]
    )
    return judge(False, told, names=tuple(complaints), exhibits=shown)


def neutral_scene_is_studio(trial: Trial) -> Evidence:
    """Fields at (nearly) their defaults give the studio picture, and no scene leaves anything behind."""
    names = sorted(ENGINE_SCENE_FIELDS & trial.announced.scene_fields)
    if not names:
        return skip("no scene fields announced: the studio only")
    bold = Scene(**{name: BOLD[name] for name in names})
    nearly = [_nearly_neutral(name) for name in names]
    studio, _, after, *frames = trial.render([trial.shot(scene=scene) for scene in (STUDIO, bold, STUDIO, *nearly)])
    off = tuple(name for name, frame in zip(names, frames, strict=True) if not _neutral(trial, studio, frame))
    if not trial.repeatability.covers(studio, after):
        left = Exhibit(title="studio before and after another scene", picture=compared(studio, after))
        return judge(False, "the studio looks otherwise after another scene: reset every field", exhibits=(left,))
    if off:
        told = f"not the studio's picture with {', '.join(off)} at the protocol's default: use its units and defaults"
        shown = tuple(
            Exhibit(title=f"{name} at its default", picture=compared(studio, frames[names.index(name)])) for name in off
        )
        return judge(False, told, names=off, exhibits=shown[:MOST_EXHIBITS])
    return judge(True, f"{len(names)} fields at their defaults give the studio, which forgets every scene")


def refuses_unannounced_fields(trial: Trial) -> Evidence:
    """A field that the engine does not honour is refused, never ignored."""
    missing = sorted((ENGINE_SCENE_FIELDS | BRIDGE_SCENE_FIELDS) & BOLD.keys() - trial.announced.scene_fields)
    if not missing:
        return skip("every scene field is announced")
    ignored = tuple(name for name in missing if not _refused(trial, Scene(**{name: BOLD[name]})))
    if ignored:
        return judge(False, f"drawn although not announced: {', '.join(ignored)}", names=ignored)
    return judge(True, f"{len(missing)} fields that are not announced are refused", names=tuple(missing))


def _complaint(trial: Trial, name: str, studio: Frame, frame: Frame) -> str | None:
    difference = compare(studio, frame)
    if difference.pixels < FEWEST_PIXELS_SHARE * trial.usual_px**2:
        return "changes nothing"
    return EFFECTS[name](studio, frame) if name in EFFECTS else None


def _neutral(trial: Trial, studio: Frame, frame: Frame) -> bool:
    difference = compare(studio, frame)
    few = difference.pixels <= NEUTRAL_SHARE * trial.usual_px**2 and difference.mean <= NEUTRAL_MEAN
    return few or trial.repeatability.covers(studio, frame)


def _nearly_neutral(name: str) -> Scene:
    """The field so close to its default that no picture shows it, and yet another number, so that it is sent."""
    default: Any = getattr(STUDIO, name)
    nearly: Any = (
        default * (1.0 - LEAST) or LEAST if isinstance(default, float) else [v * (1.0 - LEAST) for v in default]
    )
    return Scene.from_dict({name: nearly})


def _refused(trial: Trial, scene: Scene) -> bool:
    try:
        trial.answer(trial.requests([trial.shot(scene=scene)]))
    except (EngineError, InputError):
        return True
    return False
