"""Which mode suits a photo (Shi et al., TPAMI, section 4.5)."""

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
#: "HD": the width of a face in the studio's frame, as a share of the frame. A photo whose face is narrower than this
#: share of the networks' resolution is enlarged to fit, and what a search would match is interpolation.
FACE_SHARE: Final = 0.4


@dataclass(frozen=True, kw_only=True)
class ModeChoice:
    """A mode, and in one sentence why."""

    mode: Mode
    reason: str


class HeadPose(Protocol):
    """How a head is turned, relative to the average face. Roll does not matter: alignment takes it out."""

    @property
    def yaw_deg(self) -> float: ...

    @property
    def pitch_deg(self) -> float: ...


def choose_mode(pose: HeadPose, face_size_px: float, resolution: int) -> ModeChoice:
    """Hybrid for sharp front views, one-shot for everything else.

    ``face_size_px`` is the width of the face in the original photo, ``resolution`` that of the networks' pictures.
    Hybrid stands in for the paper's iterative mode: it starts from the one-shot answer and never ends with a larger
    loss.
    """
    needed_px = FACE_SHARE * resolution
    if abs(pose.yaw_deg) > MAXIMUM_YAW_DEG or abs(pose.pitch_deg) > MAXIMUM_PITCH_DEG:
        turned = f"yaw {pose.yaw_deg:.0f}°, pitch {pose.pitch_deg:.0f}°"
        return ModeChoice(
            mode="one-shot", reason=f"the head is turned ({turned}), where a search would distort the face"
        )
    if face_size_px < needed_px:
        return ModeChoice(
            mode="one-shot",
            reason=f"the face is {face_size_px:.0f} px wide, less than the {needed_px:.0f} px a search needs",
        )
    return ModeChoice(
        mode="hybrid", reason=f"a front view with a face {face_size_px:.0f} px wide has detail to search for"
    )


def fixed_mode(mode: str) -> ModeChoice:
    """The mode the user asked for. Raises InputError for a name that is none."""
    for known in MODES:
        if mode == known:
            return ModeChoice(mode=known, reason="chosen by the user")
    raise InputError(f"mode: {mode!r} is none of {', '.join(MODES)} or auto")
