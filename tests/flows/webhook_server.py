"""A web server that takes notices, for tests: real HTTP, answers as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "B0C/tOpSeCrEt"


@dataclass
class WebhookServer:
    """``answers`` are the statuses of the first requests, then 200; 0 hangs up without one, -1 says nothing."""

    answers: Sequence[int]
    received: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    location: str = ""
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}/services/{SECRET}?token={SECRET}"


@contextmanager
def serving(*answers: int) -> Iterator[WebhookServer]:
    """A server of one's own on a free port."""
    told = WebhookServer(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"null"
            number = len(told.received)
            told.received.append(json.loads(body))
            told.paths.append(self.path)
            told.headers.append(dict(self.headers))
            status = told.answers[number] if number < len(told.answers) else 200
            if status == -1:
                told.over.wait(20)
            if status <= 0:
                return
            self.send_response(status)
            if told.location:
                self.send_header("Location", told.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        told.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield told
        finally:
            told.over.set()
            server.shutdown()
            thread.join()
