"""The alerts as Prometheus itself judges them; its ``promtool`` comes with Debian's package ``prometheus``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

MONITORING = Path(__file__).parents[2] / "infra" / "monitoring"
PROMTOOL = shutil.which("promtool")


def promtool(*words: str) -> str:
    done = subprocess.run(
        [str(PROMTOOL), *words], cwd=MONITORING, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (apt-get install prometheus)")
def test_rules_and_configuration_are_what_prometheus_reads() -> None:
    assert "SUCCESS" in promtool("check", "rules", "alerts.yaml")
    assert "SUCCESS" in promtool("check", "config", "prometheus.yaml")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (apt-get install prometheus)")
def test_alerts_fire_when_they_should_and_only_then() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yaml")


def test_every_alert_is_tried_or_quiet() -> None:
    """So that a new alert without a test of its own is noticed wherever promtool is not."""
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"][0]["rules"]
    tests = yaml.safe_load((MONITORING / "alerts_test.yaml").read_text())["tests"]
    assert {rule["alert"] for rule in rules} == {
        case["alertname"] for test in tests for case in test["alert_rule_test"]
    }
