"""What a run leaves in Prefect's interface: tables, links and pictures."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from flows.settings import reports_address


def show_table(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Rows of the same columns."""
    create_table_artifact(key=_key(title), table=list(rows), description=title)


def show_link(title: str, path: Path) -> None:
    """A file or folder on this machine; a report, while they are served, where a browser finds it."""
    served = reports_address() if path.suffix == ".html" else None
    link = f"{served}/{quote(path.name)}" if served else path.resolve().as_uri()
    create_link_artifact(key=_key(title), link=link, link_text=str(path), description=title)


def show_picture(title: str, path: Path) -> None:
    """A picture, inside the artifact: an interface in a browser may not open files."""
    data = base64.b64encode(path.read_bytes()).decode()
    create_markdown_artifact(key=_key(title), markdown=f"![{title}](data:image/png;base64,{data})", description=title)


def _key(title: str) -> str:
    """Prefect allows lower case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
