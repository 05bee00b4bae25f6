"""Everything about a picture that is not the character: pose, camera, light, background, camera faults.

The studio scene is what imitators are trained on: frontal, fixed light, plain background (Shi et al.,
TPAMI, section 3.1: "our imitator G only fits the front view images"). Any other scene makes a photo-like picture.
Engines that cannot do that announce it and refuse; they never ignore a field in silence.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from engine_bridge.errors import InputError

Rgb = tuple[float, float, float]
Xyz = tuple[float, float, float]


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
    shift_x: float = 0.0  # fractions of the picture's side
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
        """Plain JSON types."""
        return asdict(self)


STUDIO: Final = Scene()
