"""``infra/compose.yaml``, checked without Docker: by the schema of compose files, and for what a studio relies on."""

from __future__ import annotations

import importlib.resources
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

INFRA = Path(__file__).parents[2] / "infra"
COMPOSE = INFRA / "compose.yaml"
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?::(?P<how>[-?])(?P<rest>[^}]*))?\}")
SECRETS = ("F2P_DATABASE_PASSWORD", "F2P_STORE_SECRET", "F2P_BRIDGE_TOKEN")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return found


def example() -> dict[str, str]:
    """Names and values of the example's variables."""
    lines = (INFRA / "compose.env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled(text: str, values: dict[str, str]) -> str:
    """The file as ``docker compose config`` fills it in. Raises KeyError for a required variable without a value."""

    def fill(found: re.Match[str]) -> str:
        name, how, rest = found["name"], found["how"], found["rest"] or ""
        if values.get(name):
            return values[name]
        if how != "-":
            raise KeyError(f"{name}: {rest}")
        return rest

    return VARIABLE.sub(fill, text)


def services(compose: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(compose["services"].items())


def test_it_is_what_a_compose_file_may_be():
    schemas = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    document = yaml.safe_load(filled(COMPOSE.read_text(), dict.fromkeys(example(), "value")))
    jsonschema.validate(document, json.loads(schemas.read_text()))


def test_every_variable_is_explained_in_the_example_and_used():
    used = {found["name"] for found in VARIABLE.finditer(COMPOSE.read_text())}
    assert used == set(example())


@pytest.mark.parametrize("secret", SECRETS)
def test_without_its_secrets_nothing_starts(secret: str):
    values = {**dict.fromkeys(example(), "value"), secret: ""}
    with pytest.raises(KeyError, match=f"{secret}: set it in compose.env"):
        filled(COMPOSE.read_text(), values)


def test_no_secret_is_in_the_repository():
    assert [name for name in SECRETS if example()[name]] == []
    assert "/infra/compose.env" in (INFRA.parent / ".gitignore").read_text().splitlines()


def test_every_image_has_a_version(compose: dict[str, Any]):
    for name, service in services(compose):
        assert re.fullmatch(r"[a-z0-9/.-]+:(?!latest)[\w.-]*\d[\w.-]*", service["image"]), name


def test_every_service_that_is_built_has_its_dockerfile(compose: dict[str, Any]):
    built = [service["build"] for _, service in services(compose) if "build" in service]
    assert built
    for build in built:
        assert (INFRA / build["context"] / build["dockerfile"]).is_file()


def test_everything_that_is_mounted_from_here_exists(compose: dict[str, Any]):
    mounted = [volume.split(":")[0] for _, service in services(compose) for volume in service.get("volumes", [])]
    ours = [INFRA / path for path in mounted if path.startswith(".")]
    assert [path for path in ours if not path.exists()] == []
    assert {path for path in mounted if not path.startswith(".")} == set(compose["volumes"])


def test_nothing_is_published_but_on_this_machine(compose: dict[str, Any]):
    ports = [port for _, service in services(compose) for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_our_own_services_have_no_rights_that_they_do_not_need(compose: dict[str, Any]):
    for name, service in services(compose):
        if service["image"].startswith("f2p"):
            assert service["cap_drop"] == ["ALL"], name
            assert "no-new-privileges:true" in service["security_opt"], name
            assert "privileged" not in service, name


def test_whoever_is_waited_for_with_its_health_has_a_check_of_it(compose: dict[str, Any]):
    conditions = {
        needed: condition["condition"]
        for _, service in services(compose)
        for needed, condition in service.get("depends_on", {}).items()
    }
    assert set(conditions) <= set(compose["services"])
    checked = {name for name, condition in conditions.items() if condition == "service_healthy"}
    assert all("healthcheck" in compose["services"][name] for name in checked)


def test_the_worker_has_the_gpu_and_the_engine_its_loopback(compose: dict[str, Any]):
    worker, engine = compose["services"]["gpu-worker"], compose["services"]["engine-worker"]
    [device] = worker["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert engine["network_mode"] == "service:gpu-worker"
    assert engine["environment"]["F2P_BRIDGE_URL"].startswith("ws://127.0.0.1:")


def test_the_databases_that_are_used_are_made(compose: dict[str, Any]):
    made = set(re.findall(r"^CREATE DATABASE (\w+);$", (INFRA / "docker" / "databases.sql").read_text(), re.MULTILINE))
    used = set(re.findall(r"@database/(\w+)", json.dumps(compose)))
    assert used == made
