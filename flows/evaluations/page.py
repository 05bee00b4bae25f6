"""What an evaluation leaves: the same tables, pictures and notes as JSON for machines and as one page for people.

evaluations/<character>-<verb>-<key>/
  pictures/          every figure as a file
  index.html         one page that can be mailed: the figures are inside it too
  evaluation.json    written last: an evaluation with it is whole

Nothing in it depends on the time of day, so the same evaluation gives the same bytes.
"""

from __future__ import annotations

import base64
import io
import json
import math
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from PIL import Image

from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from f2p_datasets.durable import TEMPORARY_SUFFIX, appearing_file, remove_leftovers
from flows.layout import EVALUATION_FILE, PICTURES
from flows.settings import Settings
from flows.steps import alone, code_version, digest, plain

PAGE_FILE: Final = "index.html"
WIDEST_PX: Final = 1600
_FIGURE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")

Cell = str | int | float | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """``rows`` have a cell per column; the first column is text, numbers in the others stand right, None is empty.

    Floats are shown with four significant digits; give text for anything else.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"table {self.title!r}: {len(row)} cells under {len(self.header)} columns: {row}")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture (H, W, 3) uint8, or a drawing as SVG text. ``name`` is its file's, without suffix."""

    name: str
    title: str
    caption: str = ""
    picture: Picture | None = None
    svg: str = ""

    def __post_init__(self) -> None:
        if not _FIGURE_NAME.fullmatch(self.name):
            raise ValueError(f"figure: {self.name!r}; give lower case letters, digits and dashes")
        if (self.picture is None) == (not self.svg):
            raise ValueError(f"figure {self.name!r}: give a picture or a drawing")

    @property
    def file(self) -> str:
        """Its path in the evaluation's folder."""
        return f"{PICTURES}/{self.name}.{'svg' if self.svg else 'png'}"


@dataclass(frozen=True, kw_only=True)
class EvaluationPage:
    """One evaluation. ``measurements`` has every number unrounded, ``provenance`` what it was measured with."""

    verb: str
    character: str
    title: str
    command: str
    summary: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    measurements: Mapping[str, Any] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()

    def document(self, key: str) -> dict[str, Any]:
        """Plain JSON types; numbers that are not finite become null."""
        return {
            "verb": self.verb,
            "character": self.character,
            "key": key,
            "title": self.title,
            "command": self.command,
            "summary": self.summary,
            "provenance": _finite(plain(dict(self.provenance))),
            "measurements": _finite(plain(dict(self.measurements))),
            "tables": [_finite(plain(table)) for table in self.tables],
            "figures": [
                {"title": figure.title, "caption": figure.caption, "file": figure.file} for figure in self.figures
            ],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an evaluation lies, and the hash of everything that shaped it."""

    folder: Path
    key: str

    @classmethod
    def of(
        cls, settings: Settings, *, character: str, verb: str, inputs: Mapping[str, Any], out: Path | None = None
    ) -> Place:
        """``out``, or the home's folder for these inputs: hashes of networks and pictures, options, seeds."""
        named = {"verb": verb, "character": character, "code": code_version("measurements"), "inputs": inputs}
        key = digest(named)
        return cls(folder=out or settings.evaluations / f"{character}-{verb}-{key}", key=key)


def evaluate_once(
    settings: Settings, place: Place, measure: Callable[[], EvaluationPage], *, again: bool = False
) -> dict[str, Any]:
    """The evaluation's JSON document: read where it was measured before, else measured and written now.

    ``again`` measures whatever is there: times are no function of what was measured. Raises InputError when another
    process is at it, or when the folder holds something else.
    """
    written = _written(place.folder)
    if written and written["key"] == place.key and not again:
        return written
    if place.folder.is_dir() and not written and any(place.folder.iterdir()) and not _begun(place.folder):
        raise InputError(f"out: {place.folder} holds files that are no evaluation; choose another folder")
    with alone(place.folder, settings.cache / "locks"):
        remove_leftovers(place.folder)
        write_page(measure(), place)
    return read_page(place.folder)


def write_page(page: EvaluationPage, place: Place) -> Path:
    """Write the folder anew, ``evaluation.json`` last. Returns the page's path."""
    (place.folder / EVALUATION_FILE).unlink(missing_ok=True)
    shutil.rmtree(place.folder / PICTURES, ignore_errors=True)
    (place.folder / PICTURES).mkdir(parents=True)
    for figure in page.figures:
        _save_figure(figure, place.folder / figure.file)
    with appearing_file(place.folder / PAGE_FILE) as stream:
        stream.write(render_page(page).encode())
    with appearing_file(place.folder / EVALUATION_FILE) as stream:
        stream.write((json.dumps(page.document(place.key), indent=1) + "\n").encode())
    return place.folder / PAGE_FILE


def read_page(folder: Path) -> dict[str, Any]:
    """The JSON document of a finished evaluation. Raises InputError when there is none."""
    try:
        document: dict[str, Any] = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
        document["key"], document["verb"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: no evaluation can be read from it ({error}); evaluate again") from error
    return document


def render_page(page: EvaluationPage) -> str:
    """The page's HTML, all figures inside."""
    environment = Environment(
        loader=PackageLoader("flows"), undefined=StrictUndefined, autoescape=select_autoescape(["html.j2"])
    )
    environment.filters |= {"cell": format_cell, "number": lambda cell: isinstance(cell, int | float)}
    return environment.get_template("evaluation.html.j2").render(
        page=page,
        provenance=_flat(plain(dict(page.provenance))),
        pictures=[(figure, _embedded(figure)) for figure in page.figures],
    )


def format_cell(cell: Cell) -> str:
    """Text as it is, 1,234, 0.9312, nothing for None and a dash for what is no number."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.4g}" if math.isfinite(cell) else "–"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _written(folder: Path) -> dict[str, Any] | None:
    try:
        return read_page(folder)
    except InputError:
        return None


def _begun(folder: Path) -> bool:
    """Whether all that is there is what a stopped evaluation leaves."""
    return all(path.name in (PICTURES, PAGE_FILE) or path.suffix == TEMPORARY_SUFFIX for path in folder.iterdir())


def _save_figure(figure: Figure, path: Path) -> None:
    with appearing_file(path) as stream:
        if figure.picture is None:
            stream.write(figure.svg.encode())
        else:
            Image.fromarray(figure.picture).save(stream, "PNG")


def _embedded(figure: Figure) -> str:
    """A data URI: WebP at a quality where nothing is seen to be lost, a tenth of the PNG's size."""
    if figure.picture is None:
        return ""
    picture = Image.fromarray(figure.picture)
    picture.thumbnail((WIDEST_PX, 8 * WIDEST_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=88, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _flat(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """Nested mappings as rows of dotted names."""
    if not isinstance(value, Mapping):
        return [(name, ", ".join(map(str, value)) if isinstance(value, list) else value)]
    return [row for key, inner in value.items() for row in _flat(inner, f"{name}.{key}" if name else str(key))]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
