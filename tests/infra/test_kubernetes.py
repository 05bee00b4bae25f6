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


def test_no_secret_is_in_the_repository():
    assert not [found for found in MANIFESTS if found["kind"] == "Secret"]
