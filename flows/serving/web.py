"""One address for the browser: Prefect's server and page, the reports of all runs, and the metrics.

``python -m flows.serving.web PORT`` serves the home that ``F2P_HOME`` names, for this machine only. It ends with its
standard input: ``f2p serve`` holds the other end.

/                 Prefect's page                  /api/           Prefect's API
/f2p/reports/     one page per run                /f2p/metrics    numbers for Prometheus
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from flows.serving.supervision import end_with_input
from flows.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

HOST: Final = "127.0.0.1"
#: Names that a browser on this machine may use; a page elsewhere that points its own name here is refused.
HOST_NAMES: Final = [HOST, "localhost"]
METRICS_TYPE: Final = "text/plain; version=0.0.4"
_INDEX: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>f2p reports</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root{{color-scheme:light dark}}
body{{font:16px/1.6 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}}
li{{display:flex;gap:1rem;justify-content:space-between;flex-wrap:wrap}}ul{{padding:0}}time{{opacity:.7}}</style>
<h1>Reports</h1>{body}</html>"""


def address(port: int) -> str:
    """Where the browser finds it."""
    return f"http://{HOST}:{port}"


def create_app(settings: Settings) -> FastAPI:
    """Prefect's server, in front of whose page stand ours."""
    from prefect.server.api.server import create_app as create_prefect

    app = create_prefect(final=True)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOST_NAMES)
    app.router.routes[:0] = _pages(settings)
    return app


def list_reports(settings: Settings) -> list[tuple[str, datetime]]:
    """Names of the reports and when they were written, the latest first."""
    written = [(path.name, path.stat().st_mtime) for path in settings.reports.glob("*.html")]
    return [(name, datetime.fromtimestamp(time, UTC)) for name, time in sorted(written, key=lambda row: -row[1])]


def _pages(settings: Settings) -> list[BaseRoute]:
    settings.reports.mkdir(parents=True, exist_ok=True)

    def index(_request: Request) -> Response:
        return HTMLResponse(_INDEX.format(body=_list(list_reports(settings))))

    def metrics(_request: Request) -> Response:
        from flows.monitoring.metrics import metrics_text

        return PlainTextResponse(metrics_text(settings), media_type=METRICS_TYPE)

    return [
        Route("/f2p/reports/", index),
        Mount("/f2p/reports", StaticFiles(directory=settings.reports)),
        Route("/f2p/metrics", metrics),
    ]


def _list(reports: list[tuple[str, datetime]]) -> str:
    if not reports:
        return "<p>There is none yet: every finished run leaves one here.</p>"
    return f"<ul>{''.join(_row(name, written) for name, written in reports)}</ul>"


def _row(name: str, written: datetime) -> str:
    title = escape(name.removesuffix(".html"))
    return f'<li><a href="{quote(name)}">{title}</a><time>{written:%Y-%m-%d %H:%M} UTC</time>'


def _serve(port: int) -> None:
    import uvicorn

    end_with_input()
    app = create_app(Settings.from_environment())
    uvicorn.run(app, host=HOST, port=port, log_level="error", timeout_graceful_shutdown=3)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
