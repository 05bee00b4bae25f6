"""Which mode suits a photo (Shi et al., TPAMI, section 4.5).

The paper recommends its iterative mode for high-resolution front views and its one-shot mode for faces "in the wild".
Hybrid stands in for iterative here: it begins with the one-shot answer and never ends with a larger loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

from engine_bridge.errors import InputError

Mode = Literal["one-shot", "iterative", "hybrid"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

#: "Front view": the search matches the layout of features in the picture and takes a turned head for a crooked face
#: (figure 13). Landmark pose is good to some 5 degrees, so these leave room for that.
MAXIMUM_YAW_DEG: Final = 15.0
MAXIMUM_PITCH_DEG: Final = 20.0
#: "HD": the size of a face in the studio's frame, as a share of the frame. A photo whose face is smaller than this
#: share of the networks' resolution is enlarged to fit, and what a search would match is interpolation.
FACE_SHARE: Final = 0.4
#: And sharp: variance of the Laplacian over the inner face at 128 pixels, grey levels squared. A face that was
#: enlarged before it came here has the pixels but not the detail. A Gaussian blur of a twenty-fifth of the face's
#: height leaves about this much; 999 of 1,000 LFW photos have more.
MINIMUM_SHARPNESS: Final = 40.0


@dataclass(frozen=True, kw_only=True)
class ModeChoice:
    """A mode, and in one sentence why."""

    mode: Mode
    reason: str


class SeenFace(Protocol):
    """What was measured of a face. Roll does not matter: alignment takes it out.

    yaw_deg, pitch_deg  relative to the average face
    face_px             height of the face's box in the original photo
    sharpness           see :data:`MINIMUM_SHARPNESS`
    """

    @property
    def yaw_deg(self) -> float: ...

    @property
    def pitch_deg(self) -> float: ...

    @property
    def face_px(self) -> float: ...

    @property
    def sharpness(self) -> float: ...


def choose_mode(face: SeenFace, resolution: int) -> ModeChoice:
    """Hybrid for sharp front views, one-shot for everything else. ``resolution`` is that of the networks' pictures."""
    needed_px = FACE_SHARE * resolution
    if abs(face.yaw_deg) > MAXIMUM_YAW_DEG or abs(face.pitch_deg) > MAXIMUM_PITCH_DEG:
        turned = f"yaw {face.yaw_deg:.0f}°, pitch {face.pitch_deg:.0f}°"
        return _one_shot(f"the head is turned ({turned}), where a search would distort the face")
    if face.face_px < needed_px:
        return _one_shot(f"the face is {face.face_px:.0f} px high, less than the {needed_px:.0f} px a search needs")
    if face.sharpness < MINIMUM_SHARPNESS:
        return _one_shot(
            f"the face is blurred (sharpness {face.sharpness:.0f}, a search needs {MINIMUM_SHARPNESS:.0f})"
        )
    return ModeChoice(
        mode="hybrid", reason=f"a front view with a face {face.face_px:.0f} px high has detail to search for"
    )


def fixed_mode(mode: str) -> ModeChoice:
    """The mode the user asked for. Raises InputError for a name that is none."""
    for known in MODES:
        if mode == known:
            return ModeChoice(mode=known, reason="chosen by the user")
    raise InputError(f"mode: {mode!r} is none of {', '.join(MODES)} or auto")


def _one_shot(reason: str) -> ModeChoice:
    return ModeChoice(mode="one-shot", reason=reason)
