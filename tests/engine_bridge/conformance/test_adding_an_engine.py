"""docs/adding-an-engine.md, done to the letter: its engine passes, and fails as the page says when it is broken so."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

import engine_bridge
from engine_bridge.conformance import BEHAVIOURS, Verdict, run_conformance
from engine_bridge.conformance.subjects import open_adapter
from engine_bridge.remote.bridge_end.hub import TlsFiles
from engine_bridge.remote.processes.adapters import load_adapter

PAGE = Path(engine_bridge.__file__).parent.parent / "docs" / "adding-an-engine.md"
#: What the page says of the checks that paper faces cannot be tried on.
NOT_TRIED = {"scene-fields", "studio", "stamps"}


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    """The first block of each language."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return dict(reversed(found))


def load(source: str, folder: Path) -> ModuleType:
    path = folder / "engine.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("paper_engine", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_engine_of_the_page_keeps_every_promise(blocks, tmp_path):
    folder = tmp_path / "engines" / "paper"
    folder.mkdir(parents=True)
    (folder / "engine.toml").write_text(blocks["toml"], encoding="utf-8")
    (folder / "engine.py").write_text(blocks["python"], encoding="utf-8")
    adapter = load_adapter("paper", [tmp_path / "engines"])
    with open_adapter(adapter, work_root=tmp_path / "work", log_folder=tmp_path / "logs") as subject:
        report = run_conformance(subject, "paper")
    assert report.passed, [finding.evidence.reason for finding in report.failures]
    assert {f.name for f in report.findings if f.evidence.verdict is Verdict.SKIPPED} == NOT_TRIED
    assert f"{report.summary}: paper.html" in PAGE.read_text(encoding="utf-8")


def test_the_number_of_promises_on_the_page_is_right():
    page = PAGE.read_text(encoding="utf-8")
    assert f"tries {len(BEHAVIOURS)} promises" in page
    assert f"/{len(BEHAVIOURS)} must keep left and right apart" in page


def test_the_page_names_every_behaviour_by_its_name():
    steps = PAGE.read_text(encoding="utf-8").partition("## 4.")[2].partition("## 6.")[0]
    named = set(re.findall(r"`([a-z-]+)`", steps))
    others = {"unknown-character", "other-fields", "stamps", "pace"}  # nothing of an engine's own is needed for these
    assert {behaviour.name for behaviour in BEHAVIOURS} - others <= named


def test_the_certificate_of_the_page_is_one_that_is_taken(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    page = PAGE.read_text(encoding="utf-8")
    command = re.search(r"    (openssl req .*?certificate\.pem)\n", page, re.DOTALL)[1]
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    TlsFiles(certificate=tmp_path / "certificate.pem", key=tmp_path / "key.pem").context()


def test_the_break_of_the_page_is_found_as_it_says(blocks, tmp_path, attempt):
    signs = "at = 0.5 + left"
    assert signs in blocks["python"]
    broken = load(blocks["python"].replace(signs, "at = 0.5 - left"), tmp_path)
    finding = attempt(broken.PaperEngine(), "sides", character="paper")
    assert finding.failed
    assert finding.evidence.reason in PAGE.read_text(encoding="utf-8")
