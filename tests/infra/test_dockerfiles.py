"""The Dockerfiles, checked without Docker: by hadolint, and for what it does not look at."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.docker.requirements import requirements

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "infra" / "docker"
FILES = sorted(DOCKER.glob("*.Dockerfile"))
HADOLINT = Path(sys.executable).with_name("hadolint")


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def dockerfile(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Keyword and arguments, lines joined."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def test_hadolint_has_nothing_to_say(dockerfile: Path):
    command = [HADOLINT, "--config", DOCKER / "hadolint.yaml", dockerfile]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_base_is_pinned_to_a_release(dockerfile: Path):
    bases = [arguments.split()[0] for keyword, arguments in instructions(dockerfile) if keyword == "FROM"]
    assert bases
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base) for base in bases)


def test_it_does_not_run_as_root(dockerfile: Path):
    last = [arguments for keyword, arguments in instructions(dockerfile) if keyword == "USER"][-1]
    assert last == "10001:10001"


def test_no_secret_is_built_in(dockerfile: Path):
    set_ones = " ".join(arguments for keyword, arguments in instructions(dockerfile) if keyword in {"ENV", "ARG"})
    assert not re.search(r"PASSWORD|SECRET|TOKEN|KEY", set_ones)


def test_what_it_copies_is_there_and_reaches_the_builder(dockerfile: Path):
    sent = {line[1:] for line in Path(f"{dockerfile}.dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for keyword, arguments in instructions(dockerfile)
        if keyword == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    }
    assert copied == sent
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_only_wheels_and_libraries_are_in_the_last_stage(dockerfile: Path):
    *_, last = "\n".join(" ".join(instruction) for instruction in instructions(dockerfile)).split("FROM ")
    assert "pip install" not in last
    assert "COPY --from=build" in last


def test_the_extras_of_the_image_are_extras_of_the_project():
    [extras] = re.findall(r'^ARG EXTRAS="([\w,]+)"$', (DOCKER / "f2p.Dockerfile").read_text(), re.MULTILINE)
    listed = requirements(ROOT / "pyproject.toml", extras.split(","))
    assert any(requirement.startswith("psycopg") for requirement in listed)
    assert len(listed) == len(set(listed))
