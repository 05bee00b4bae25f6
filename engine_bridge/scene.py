"""Everything about a picture that is not the character: pose, camera, light, background, camera faults.

The studio scene is what imitators are trained on: frontal, fixed light, plain background (Shi et al.,
TPAMI, section 3.1: "our imitator G only fits the front view images"). Any other scene makes a photo-like picture.
Engines that cannot do that announce it and refuse; they never ignore a field in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from engine_bridge.errors import InputError

Rgb = tuple[float, float, float]
Xyz = tuple[float, float, float]

#: What only the engine can do, because it changes what is drawn: the fields that travel over the wire.
ENGINE_SCENE_FIELDS: Final = frozenset(
    {
        "yaw_deg",
        "pitch_deg",
        "roll_deg",
        "focal_length_mm",
        "shift_x",
        "shift_y",
        "zoom",
        "light_direction",
        "light_color",
        "ambient_color",
        "skin_tint",
        "hair_tint",
        "iris_tint",
        "background_color",
    }
)
#: What happens to the finished picture: done by the bridge for every engine alike.
BRIDGE_SCENE_FIELDS: Final = frozenset(
    {"background_clutter", "exposure", "gamma", "blur_sigma", "noise_sigma", "occluder", "seed"}
)


@dataclass(frozen=True, kw_only=True)
class Occluder:
    """An opaque ellipse in front of the face. Positions and sizes are fractions of the picture's side."""

    center_x: float
    center_y: float
    width: float
    height: float
    angle_deg: float = 0.0
    color: Rgb = (0.5, 0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """How a character is photographed. Colours are linear factors or sRGB fractions in [0, 1] as stated.

    Axes: x to the picture's right, y up, z towards the camera. The seed draws noise and background clutter, so that
    the same scene gives the same bytes in any process.
    """

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    focal_length_mm: float = 85.0  # 35 mm equivalent; the head keeps its size in the picture
    shift_x: float = 0.0  # fractions of the picture's side, to the right and up
    shift_y: float = 0.0
    zoom: float = 1.0
    light_direction: Xyz = (0.35, 0.45, 0.82)  # towards the light, any length
    light_color: Rgb = (1.0, 1.0, 1.0)  # factor on the key light
    ambient_color: Rgb = (1.0, 1.0, 1.0)  # factor on the fill light
    skin_tint: Rgb = (1.0, 1.0, 1.0)  # factor on the skin's albedo
    hair_tint: Rgb = (1.0, 1.0, 1.0)  # factor on the albedo of hair, brows and beard
    iris_tint: Rgb = (1.0, 1.0, 1.0)
    background_color: Rgb = (0.27, 0.30, 0.345)  # sRGB
    background_clutter: float = 0.0  # 0 plain ... 1 strong coloured blobs and gradients drawn from the seed
    exposure: float = 1.0
    gamma: float = 1.0  # applied to the finished sRGB picture
    blur_sigma: float = 0.0  # fraction of the picture's side, e.g. 0.004
    noise_sigma: float = 0.0  # standard deviation of sensor noise, fraction of full scale
    occluder: Occluder | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if max(abs(self.yaw_deg), abs(self.pitch_deg), abs(self.roll_deg)) > 90.0:
            raise InputError("scene: yaw, pitch and roll lie in [-90, 90] degrees")
        for name in ("focal_length_mm", "zoom", "exposure", "gamma"):
            if not getattr(self, name) > 0.0:
                raise InputError(f"scene: {name} must be positive, got {getattr(self, name)}")
        for name in ("background_clutter", "blur_sigma", "noise_sigma"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"scene: {name} lies in [0, 1], got {getattr(self, name)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; :meth:`from_dict` is its inverse."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scene:
        """A scene from some of its fields, the others neutral. Raises InputError for what is no scene."""
        unknown = sorted(data.keys() - _FIELDS)
        if unknown:
            raise InputError(f"scene: {unknown[0]!r} is no field of a scene; it has {', '.join(sorted(_FIELDS))}")
        return cls(**{name: _read_field(name, value) for name, value in data.items()})

    def keep(self, names: Iterable[str]) -> Scene:
        """This scene with only the fields ``names``; the others are the studio's."""
        return Scene(**{name: getattr(self, name) for name in names})


STUDIO: Final = Scene()
_FIELDS: Final = frozenset(field.name for field in fields(Scene))


def engine_scene(scene: Scene) -> dict[str, Any]:
    """The fields that the engine has to honour, by name, as far as they differ from the studio's."""
    wanted = {name: getattr(scene, name) for name in sorted(ENGINE_SCENE_FIELDS)}
    return {name: value for name, value in wanted.items() if value != getattr(STUDIO, name)}


def _read_field(name: str, value: Any) -> Any:
    if name == "occluder":
        return value if value is None else _read_occluder(value)
    neutral = getattr(STUDIO, name)
    if isinstance(neutral, tuple):
        return _read_numbers(name, value, len(neutral))
    if isinstance(value, bool) or not isinstance(value, int if name == "seed" else (int, float)):
        raise InputError(f"scene: {name} is a number, got {value!r}")
    return value


def _read_occluder(value: Any) -> Occluder:
    try:
        return Occluder(**{**value, "color": _read_numbers("occluder color", value.get("color", (0.5,) * 3), 3)})
    except (AttributeError, TypeError) as error:
        raise InputError(f"scene: {value!r} is no occluder: {error}") from error


def _read_numbers(name: str, value: Any, count: int) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or len(value) != count:
        raise InputError(f"scene: {name} is {count} numbers, got {value!r}")
    if not all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in value):
        raise InputError(f"scene: {name} is {count} numbers, got {value!r}")
    return tuple(float(number) for number in value)
