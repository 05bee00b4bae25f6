"""The report as a reader sees it: in a real browser, at a desk and on a phone, by day and by night."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from websockets.sync.client import ClientConnection, connect

from flows.reports import write_comparison, write_report
from flows.run_records import GateRecord, RunRecord
from flows.settings import Settings

INSTALLER = Path(__file__).parents[3] / "infra" / "install_chromium.sh"
DESK_PX, PHONE_PX = 1280, 390
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: Everything a page may complain about, by the event that tells it.
COMPLAINTS = ("Runtime.exceptionThrown", "Network.loadingFailed")
DEADLINE_S = 60.0


def find_browser() -> str | None:
    """The program, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Page:
    """A loaded page. ``complaints`` are errors and warnings of its console, exceptions, and what did not load."""

    connection: ClientConnection
    complaints: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def ask(self, script: str) -> Any:
        """A script's value, as JSON has it; promises are awaited."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events that come first are heard."""
        number = next(self.numbers)
        self.connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := self._next()).get("id") != number:
            pass
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def wait_for(self, event: str) -> None:
        """Hear until the event comes."""
        while self._next().get("method") != event:
            pass

    def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.connection.recv(timeout=DEADLINE_S))
        method, parameters = message.get("method", ""), message.get("params", {})
        if method in COMPLAINTS:
            self.complaints.append(f"{method}: {parameters}")
        if method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(parameters["args"]))
        if method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(parameters["entry"]["text"])
        return message


@dataclass(frozen=True)
class Browser:
    """A running browser that answers at a port of this machine."""

    port: int

    @contextmanager
    def open(self, path: Path, *, width: int, dark: bool = False) -> Iterator[Page]:
        """A file in a window of that many pixels; below 600 it is a phone's."""
        target = self._new_target()
        with connect(target, max_size=None, compression=None, proxy=None) as connection:
            page = Page(connection)
            for domain in ("Page", "Runtime", "Log", "Network"):
                page.call(f"{domain}.enable")
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
            page.call("Emulation.setDeviceMetricsOverride", **size)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            page.call("Emulation.setEmulatedMedia", features=[scheme])
            page.call("Page.navigate", url=path.resolve().as_uri())
            page.wait_for("Page.loadEventFired")
            yield page

    def _new_target(self) -> str:
        request = Request(f"http://127.0.0.1:{self.port}/json/new?{quote('about:blank')}", method="PUT")
        with urlopen(request, timeout=DEADLINE_S) as answer:
            address: str = json.load(answer)["webSocketDebuggerUrl"]
        return address


@contextmanager
def running_browser(program: str, home: Path) -> Iterator[Browser]:
    """Start the browser with a home of its own; all of its processes end with the block."""
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    options += ["--remote-debugging-port=0", f"--user-data-dir={home}", "about:blank"]
    process = subprocess.Popen(
        [program, *options],
        env={**os.environ, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Browser(_port(home / "DevToolsActivePort", process))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _port(told: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the browser ended with {process.returncode}"
        if told.is_file() and (lines := told.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.05)
    raise AssertionError("the browser did not come up")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, installed where this session may; the tests are skipped where it cannot be had."""
    if find_browser() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["bash", INSTALLER], capture_output=True, check=False)
    program = find_browser()
    if program is None:
        pytest.skip(f"no browser: install one of {', '.join(NAMES)}, as root with {INSTALLER.name}")
    with running_browser(program, tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="module")
def pages(write_run: Callable[..., RunRecord], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run's page with every section on it, and two runs side by side, all details open."""
    settings = Settings(home=tmp_path_factory.mktemp("pages"))
    refused = GateRecord(stage="imitator", name="better than the baseline", passed=False, detail="7.9, at most 1; " * 9)
    refusal: dict[str, Any] = {"error": "imitator: refused by the gate " * 9, "gates": [refused] * 2}
    first = write_run(settings, "first", wide=True)
    second = write_run(settings, "second", wide=True, seed=1, skill=0.4, **refusal)
    pages = {"run": write_report(settings, second), "comparison": write_comparison(settings, first, second)}
    for page in pages.values():
        page.write_text(page.read_text().replace("<details>", "<details open>"))
    return pages


@pytest.mark.parametrize("dark", [False, True], ids=["day", "night"])
@pytest.mark.parametrize("width", [DESK_PX, PHONE_PX], ids=["desk", "phone"])
@pytest.mark.parametrize("name", ["run", "comparison"])
def test_a_page_loads_without_complaints_and_never_scrolls_sideways(
    browser: Browser, pages: dict[str, Path], name: str, width: int, dark: bool
) -> None:
    with browser.open(pages[name], width=width, dark=dark) as page:
        broken = page.ask("[...document.images].filter(image => !image.complete || !image.naturalWidth).length")
        num_images, wide = page.ask("[document.images.length, document.documentElement.scrollWidth]")
        dead_links = page.ask(
            "[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
            ".filter(href => !document.querySelector(href))"
        )
        outside = page.ask(
            "[...document.querySelectorAll('main *')].filter(one => !one.closest('.scroll'))"
            ".filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))"
        )
        assert (broken, dead_links, outside, page.complaints) == (0, [], [], [])
    assert num_images > 30
    assert wide <= width


def test_pictures_lie_beside_each_other_at_a_desk_and_below_each_other_on_a_phone(
    browser: Browser, pages: dict[str, Path]
) -> None:
    worst = "getComputedStyle([...document.querySelectorAll('.tiles')].at(-2)).gridTemplateColumns.split(' ').length"
    columns = {}
    for width in (DESK_PX, PHONE_PX):
        with browser.open(pages["run"], width=width) as page:
            columns[width] = page.ask(worst)
    assert columns == {DESK_PX: 10, PHONE_PX: 3}


def test_the_night_is_dark(browser: Browser, pages: dict[str, Path]) -> None:
    paper = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    shades = []
    for dark in (False, True):
        with browser.open(pages["run"], width=DESK_PX, dark=dark) as page:
            shades.append(sum(page.ask(paper)))
    assert shades[0] > 3 * 200
    assert shades[1] < 3 * 60


def test_a_complaint_of_the_page_would_be_heard(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<img src='gone.png'><script>console.error('ouch')</script>")
    with browser.open(tmp_path / "page.html", width=DESK_PX) as page:
        page.ask("1")
        heard = "".join(page.complaints)
    assert "ouch" in heard
    assert "gone.png" in heard or "ERR_FILE_NOT_FOUND" in heard
