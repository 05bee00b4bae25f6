"""A search as a film: the photo beside what the imitator draws while the parameters move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, get_args

import cv2
import numpy as np
from PIL import Image
from torch import Tensor

from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from f2p_datasets.durable import appearing_file
from f2p_models.creation import Creation, Panel, side_by_side
from f2p_models.pictures import to_bytes

AnimationFormat = Literal["gif", "mp4"]
ANIMATION_FORMATS: Final[tuple[AnimationFormat, ...]] = get_args(AnimationFormat)
#: Pictures of a film at most, however long the search: more would only make the file large.
LONGEST: Final = 40
_PANEL_PX: Final = 192
_FRAME_MS, _LAST_FRAME_MS = 160, 1600
_GIF_COLORS: Final = 128


def record_every(steps: int) -> int:
    """Steps between two pictures of a search's film."""
    return -(-steps // LONGEST)


def draw_frames(creation: Creation, photo: Picture, draw: Callable[[Tensor], Tensor]) -> list[Picture]:
    """The film of one photo's search (a creation of B = 1), frames (H, W, 3) uint8; none where there was no search.

    ``draw`` turns vectors (F, V) into pictures (F, 3, H, W) in [0, 1].
    """
    trail, curve = creation.trail[0], creation.curves[0].tolist()
    if not len(trail):
        return []
    every, total = record_every(len(curve)), len(curve)
    steps = [min(frame * every, total) for frame in range(len(trail))]
    captions = [f"step {step} of {total}" + (f", loss {curve[step]:.3f}" if step < total else "") for step in steps]
    return [
        side_by_side(
            [Panel(title="photo", picture=photo), Panel(title="imitator", picture=picture)],
            caption=caption,
            side_px=_PANEL_PX,
        )
        for picture, caption in zip(to_bytes(draw(trail)), captions, strict=True)
    ]


def write_animation(frames: Sequence[Picture], path: Path) -> None:
    """Write at least one frame as ``.gif`` or ``.mp4``; the last one stays for a while. Raises InputError."""
    if path.suffix == ".gif":
        _write_gif(frames, path)
    elif path.suffix == ".mp4":
        _write_mp4(frames, path)
    else:
        raise InputError(f"animation: {path.suffix!r} is none of {', '.join(ANIMATION_FORMATS)}")


def _write_gif(frames: Sequence[Picture], path: Path) -> None:
    # One palette for all frames, taken of the last: palettes of their own would flicker.
    palette = Image.fromarray(frames[-1]).quantize(_GIF_COLORS, dither=Image.Dither.NONE)
    pictures = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [_FRAME_MS] * (len(frames) - 1) + [_LAST_FRAME_MS]
    with appearing_file(path) as stream:
        pictures[0].save(
            stream, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=True
        )


def _write_mp4(frames: Sequence[Picture], path: Path) -> None:
    """VP9, which browsers play and OpenCV can write without another library."""
    height, width = (side - side % 2 for side in frames[0].shape[:2])
    unfinished = path.with_name(f".{path.name}")
    film = cv2.VideoWriter(str(unfinished), cv2.VideoWriter.fourcc(*"vp09"), 1000 / _FRAME_MS, (width, height))
    if not film.isOpened():
        raise InputError("animation: this OpenCV cannot write mp4; use gif")
    for frame in [*frames, *[frames[-1]] * (_LAST_FRAME_MS // _FRAME_MS)]:
        film.write(np.ascontiguousarray(frame[:height, :width, ::-1]))
    film.release()
    unfinished.rename(path)
