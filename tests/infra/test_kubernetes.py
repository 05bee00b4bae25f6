"""``infra/kubernetes``, checked without a cluster: by Kubernetes' schemas, filled in as Prefect's worker does it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from prefect.utilities.templating import apply_values

from flows import settings

KUBERNETES = Path(__file__).parents[2] / "infra" / "kubernetes"
VERSION = "1.30"
MANIFESTS = list(yaml.safe_load_all((KUBERNETES / "worker.yaml").read_text()))
TEMPLATE = json.loads((KUBERNETES / "job-template.json").read_text())


def job(**variables: Any) -> dict[str, Any]:
    """The job that a worker makes of the template; what has no value is left out."""
    defaults = {
        name: found["default"] for name, found in TEMPLATE["variables"]["properties"].items() if "default" in found
    }
    values = {**defaults, "env": [{"name": "F2P_HOME", "value": "/home/f2p/data"}], "command": ["python"], **variables}
    filled: dict[str, Any] = apply_values(TEMPLATE["job_configuration"]["job_manifest"], values)
    return filled


@pytest.mark.parametrize(
    "manifest", MANIFESTS, ids=lambda manifest: f"{manifest['kind']}-{manifest['metadata']['name']}"
)
def test_every_manifest_is_what_kubernetes_accepts(manifest: dict[str, Any]):
    kubernetes_validate.validate(manifest, VERSION, strict=True)


@pytest.mark.parametrize("gpus", [0, 1, 8])
def test_a_flows_job_is_what_kubernetes_accepts(gpus: int):
    manifest = job(gpus=gpus)
    kubernetes_validate.validate(manifest, VERSION, strict=True)
    [container] = manifest["spec"]["template"]["spec"]["containers"]
    limits = container["resources"]["limits"]
    assert limits == container["resources"]["requests"]  # of GPUs Kubernetes asks for that
    assert limits["nvidia.com/gpu"] == gpus


def test_every_blank_of_the_template_is_a_variable_of_the_form():
    blanks = set(re.findall(r"{{ (\w+) }}", json.dumps(TEMPLATE["job_configuration"])))
    assert blanks == set(TEMPLATE["variables"]["properties"])


def test_the_forms_defaults_fit_the_form():
    jsonschema.Draft202012Validator.check_schema(TEMPLATE["variables"])
    for found in TEMPLATE["variables"]["properties"].values():
        if "default" in found:
            jsonschema.validate(found["default"], found)


def test_a_job_is_not_retried_behind_prefects_back():
    assert job()["spec"]["backoffLimit"] == 0


def pods() -> list[dict[str, Any]]:
    """Whatever runs something."""
    deployments = [found["spec"]["template"]["spec"] for found in MANIFESTS if found["kind"] == "Deployment"]
    return [*deployments, job()["spec"]["template"]["spec"]]


def test_nothing_runs_as_root_or_may_become_more():
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        for container in pod["containers"]:
            rights = container["securityContext"]
            assert not rights["allowPrivilegeEscalation"]
            assert rights["readOnlyRootFilesystem"]
            assert rights["capabilities"] == {"drop": ["ALL"]}


def test_every_image_has_a_version():
    images = [container["image"] for pod in pods() for container in pod["containers"]]
    assert all(re.fullmatch(r"[\w/.-]+:\d[\w.]*", image) for image in images)


def test_every_volume_and_account_that_is_named_exists():
    names = {(found["kind"], found["metadata"]["name"]) for found in MANIFESTS}
    for pod in pods():
        assert ("ServiceAccount", pod["serviceAccountName"]) in names
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounted = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
        assert mounted == set(volumes)
        claims = [
            volume["persistentVolumeClaim"]["claimName"]
            for volume in volumes.values()
            if "persistentVolumeClaim" in volume
        ]
        assert all(("PersistentVolumeClaim", claim) in names for claim in claims)


def secret() -> dict[str, str]:
    """Names and values of the secret's example, read as ``kubectl create secret --from-env-file`` does it."""
    lines = (KUBERNETES / "secret.env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_every_key_of_the_secret_is_a_variable_that_is_read():
    ours = {value for name, value in vars(settings).items() if name.endswith("_VARIABLE")}
    assert {name for name in secret() if name.startswith("F2P_")} <= ours
    assert {name for name in secret() if not name.startswith("F2P_")} == {
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    }


def test_a_job_is_told_what_a_container_of_the_compose_file_is_told():
    told = yaml.safe_load((KUBERNETES.parent / "compose.yaml").read_text())["x-worker-environment"]
    by_the_form = TEMPLATE["variables"]["properties"]["env"]["default"]
    by_prefect = {"PREFECT_API_URL"}  # its worker tells the jobs the address of its own server
    assert set(told) <= set(secret()) | set(by_the_form) | by_prefect


def test_the_example_of_the_secret_will_do_as_it_is(monkeypatch: pytest.MonkeyPatch):
    for name, value in secret().items():
        monkeypatch.setenv(name, value)
    assert settings.registry_database() == secret()["F2P_REGISTRY_DATABASE"]
    assert settings.store_address() == secret()["F2P_STORE"]
    assert settings.bridge_token() is None
    assert settings.webhook_addresses() == ()


def test_the_instructions_make_the_secret_from_the_file_that_git_ignores():
    assert "--from-env-file infra/kubernetes/secret.env\n" in (KUBERNETES / "worker.yaml").read_text()
    assert "/infra/kubernetes/secret.env" in (KUBERNETES.parents[1] / ".gitignore").read_text().splitlines()


def test_no_secret_is_in_the_repository():
    assert not [found for found in MANIFESTS if found["kind"] == "Secret"]
    assert [name for name in ("AWS_SECRET_ACCESS_KEY", "F2P_BRIDGE_TOKEN", "F2P_WEBHOOK_URL") if secret()[name]] == []
    assert ":PASSWORD@" in secret()["F2P_REGISTRY_DATABASE"]
