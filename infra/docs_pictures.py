"""Rebuild the pictures of README and docs from a finished run.

    python -m infra.docs_pictures [--home f2p-home] [--run latest]

characters.jpg   random faces of the three character types with their part masks, by the mock engine
creation.jpg     the run's character from the sample photo: photo, imitator, engine
people.jpg       held-out photo-like renders, and the engine's render of the characters created from them
imitator.jpg     engine, imitator and difference on held-out pairs

The photo is NASA's portrait of Eileen Collins (public domain), as scikit-image ships it; all else is rendered.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from engine_bridge.mock import MockEngine
from flows.pictures.contact_sheets import engine_sheet
from flows.run_records import read_run
from flows.settings import Settings

OUT = Path(__file__).parents[1] / "docs" / "images"
CHARACTERS = ("justice_female", "justice_male", "justice_girl")
FACES_EACH = 6
SHEET_PX = 160
WIDEST_PX = 1400


def main() -> None:
    """Write all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--run", default="latest")
    options = parser.parse_args()
    record = read_run(Settings.from_environment(options.home), options.run)
    engine = MockEngine()
    sheets = [engine_sheet(engine, name, count=FACES_EACH, seed=1, resolution=SHEET_PX) for name in CHARACTERS]
    save("characters", Image.fromarray(np.concatenate(sheets)))
    save("creation", Image.open(Path(record.results["characters"][0]) / "side_by_side.png"))
    pictures = record.folder_of("evaluation")
    assert pictures is not None, "the run was not evaluated"
    save("people", Image.open(pictures / "pictures" / "characters.png"))
    save("imitator", Image.open(pictures / "pictures" / "imitator.png"))


def save(name: str, picture: Image.Image) -> None:
    """As JPEG, no wider than the page needs."""
    picture.thumbnail((WIDEST_PX, 10_000))
    path = OUT / f"{name}.jpg"
    picture.convert("RGB").save(path, quality=86, optimize=True)
    print(f"{path}  {path.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
