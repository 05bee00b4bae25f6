"""Rebuild docs/images/engines.jpg: the same characters in every engine, a row each.

    PATH=$GODOT4_PREFIX:$PATH python -m infra.docs_engines [--home f2p-home] [--engines mock panda3d godot3 ...]

Faces are drawn from seed 3 by the sampler `natural`. In each one's corner is the part mask of the same frame.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from engine_bridge.bridge import EngineBridge
from engine_bridge.frames import Frame, Picture, RenderRequest
from engine_bridge.parts import paint_mask
from f2p_datasets.samplers import build_sampler
from flows.engines.orders import EngineOrder, open_engine
from flows.settings import Settings, prepare_environment
from infra.docs_pictures import save

ENGINES = ("mock", "panda3d", "godot3", "godot4", "godot3:lighting=engine")
FACES = {"justice_female": 3, "justice_male": 2, "justice_girl": 2}
SIDE_PX, MASK_PX = 256, 128
SEED = 3


def main() -> None:
    """Render and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--engines", nargs="+", default=ENGINES)
    options = parser.parse_args()
    settings = Settings.from_environment(options.home)
    prepare_environment(settings)
    rows = []
    for name in options.engines:
        engine = open_engine(EngineOrder(name), settings)
        rows.append(row(engine))
        engine.close()
    save("engines", Image.fromarray(np.concatenate(rows)))


def row(engine: EngineBridge) -> Picture:
    """One engine's faces side by side, (H, W, 3)."""
    frames = [frame for character, count in FACES.items() for frame in faces(engine, character, count)]
    return np.concatenate([tile(frame) for frame in frames], axis=1)


def faces(engine: EngineBridge, character: str, count: int) -> list[Frame]:
    """Random faces of one character."""
    vectors = build_sampler("natural", engine.describe(character), SEED).vectors(0, count)
    return engine.render(
        [
            RenderRequest(request_id=index, character=character, vector=vector, resolution=SIDE_PX)
            for index, vector in enumerate(vectors)
        ]
    )


def tile(frame: Frame) -> Picture:
    """A picture with its mask in the lower left corner."""
    picture = frame.picture.copy()
    small = Image.fromarray(paint_mask(frame.mask)).resize((MASK_PX // 2, MASK_PX // 2), Image.Resampling.NEAREST)
    picture[-MASK_PX // 2 :, : MASK_PX // 2] = small
    return picture


if __name__ == "__main__":
    main()
