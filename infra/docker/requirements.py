"""Print what a project needs, and what some of its extras need: ``python requirements.py pyproject.toml a,b``.

So that an image can install the dependencies before the sources are copied, in a layer that seldom changes.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def requirements(project_file: Path, extras: list[str]) -> list[str]:
    """All requirements, one by one. Raises KeyError for an extra that the project does not have."""
    project = tomllib.loads(project_file.read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    return [*project["dependencies"], *(one for extra in extras for one in optional[extra])]


if __name__ == "__main__":
    print(*requirements(Path(sys.argv[1]), [extra for extra in sys.argv[2].split(",") if extra]), sep="\n")
