from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from engine_bridge.errors import InputError
from flows.monitoring.metrics import metrics_server, metrics_table, metrics_text
from flows.settings import Settings

Write = Callable[..., Path]
ROOT = Path(__file__).parents[3]
STEP = {"stage": "studio", "seconds": 90.0, "cached": False, "figures": {"pairs": 40, "rejects": 2}}
GATE = {"stage": "imitator", "name": "finite loss", "passed": False, "detail": "inf"}


def values(settings: Settings) -> dict[tuple[str, ...], float]:
    """(name, values of its labels in the order of their names) -> value, as Prometheus' own parser reads the text."""
    families = text_string_to_metric_families(metrics_text(settings))
    return {(s.name, *dict(sorted(s.labels.items())).values()): s.value for family in families for s in family.samples}


def test_a_home_that_is_not_there_yet_has_a_disk_and_nothing_else(settings: Settings) -> None:
    found = values(settings)
    assert found["f2p_disk_free_bytes",] > 0
    unreadable = {key[1]: value for key, value in found.items() if key[0] == "f2p_unreadable"}
    assert unreadable == dict.fromkeys(("version", "disk", "nights", "runs", "registry"), 0)
    assert not settings.home.exists()


def test_a_night_says_how_it_ended_for_each_character_and_how_long_ago(settings: Settings, write_night: Write) -> None:
    write_night("n1", datetime.now(UTC) - timedelta(hours=30), seconds=7200.0, hero="published", villain="unchanged")
    write_night("n2", datetime.now(UTC) - timedelta(hours=6), seconds=3600.0, hero="refused")
    write_night("n3", datetime.now(UTC), status="running", seconds=0.0)
    found = values(settings)
    assert found["f2p_night_age_seconds",] == pytest.approx(5 * 3600, abs=60)
    assert found["f2p_night_duration_seconds",] == 3600
    assert found["f2p_nights_total", "finished"] == 2
    assert found["f2p_night_running",] == 1
    assert (found["f2p_character_status", "hero", "refused"], found["f2p_character_status", "hero", "failed"]) == (1, 0)
    assert found["f2p_character_age_seconds", "hero"] == pytest.approx(5 * 3600, abs=60)
    assert found["f2p_character_good_age_seconds", "hero"] == pytest.approx(28 * 3600, abs=60)
    assert found["f2p_character_age_seconds", "villain"] == pytest.approx(28 * 3600, abs=60)


def test_a_character_that_left_the_schedule_is_forgotten(settings: Settings, write_night: Write) -> None:
    write_night("n1", datetime.now(UTC) - timedelta(days=30), gone="published", hero="published")
    write_night("n2", datetime.now(UTC) - timedelta(days=1), hero="failed")
    ages = {key[1] for key in values(settings) if key[0].startswith("f2p_character_")}
    assert ages == {"hero"}
    assert values(settings)["f2p_character_good_age_seconds", "hero"] > 29 * 24 * 3600


def test_runs_say_how_long_stages_take_what_they_make_and_which_gates_said_no(
    settings: Settings, write_run: Write
) -> None:
    write_run("r1", status="refused", steps=[STEP], gates=[GATE])
    found = values(settings)
    assert found["f2p_runs_total", "tiny", "refused"] == 1
    assert found["f2p_stage_seconds", "tiny", "studio"] == 90
    assert (found["f2p_stage_pairs", "tiny", "studio"], found["f2p_stage_rejects", "tiny", "studio"]) == (40, 2)
    assert found["f2p_gate_failures_total", "tiny", "finite loss", "imitator"] == 1


def test_the_registry_says_what_is_in_use(published: Settings) -> None:
    found = values(published)
    assert found["f2p_registry_versions", "tiny"] == 1
    assert found["f2p_registry_champion_version", "tiny"] == 1
    assert found["f2p_registry_champion_score", "tiny"] == 0.5
    assert 0 <= found["f2p_registry_champion_age_seconds", "tiny"] < 86_400


def test_what_is_damaged_is_told_and_hides_nothing_else(
    published: Settings, write_night: Write, write_run: Write
) -> None:
    manifest = published.registry / "tiny" / "1" / "bundle.json"
    manifest.chmod(0o644)
    manifest.write_text("{")
    write_night("n1", datetime.now(UTC)).write_text("{")
    write_run("r1").write_text("")
    found = values(published)
    assert found["f2p_unreadable", "registry"] == 1
    assert found["f2p_unreadable", "disk"] == 0
    assert (found["f2p_nights_damaged",], found["f2p_runs_damaged",]) == (1, 1)
    assert ("f2p_registry_champion_version", "tiny") not in found


def test_names_with_quotes_and_line_breaks_stay_one_label(settings: Settings, write_night: Write) -> None:
    write_night("n1", datetime.now(UTC), **{'a "b"\nc\\d': "published"})
    assert values(settings)["f2p_character_status", 'a "b"\nc\\d', "published"] == 1


def test_the_table_has_the_same_numbers(settings: Settings, write_run: Write) -> None:
    write_run("r1")
    rows = [row for row in metrics_table(settings) if row["name"] == "f2p_runs_total"]
    assert rows == [{"name": "f2p_runs_total", "labels": {"character": "tiny", "status": "finished"}, "value": 1}]


def test_every_scrape_reads_the_home_anew(settings: Settings, write_run: Write) -> None:
    with metrics_server(settings, 0) as url:
        assert url.startswith("http://127.0.0.1:")
        before = scrape(url)
        write_run("r1")
        after = scrape(url)
    assert "f2p_runs_total{" not in before
    assert 'f2p_runs_total{character="tiny",status="finished"} 1.0' in after
    with pytest.raises(OSError, match="refused"):
        scrape(url)


def scrape(url: str) -> str:
    with urlopen(url, timeout=20) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return str(answer.read().decode())


def test_a_port_that_is_taken_is_the_users_to_change(settings: Settings) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(InputError, match="give another port"),
        metrics_server(settings, taken.getsockname()[1]),
    ):
        pass


def test_the_command_serves_until_it_is_ended(settings: Settings, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "flows.cli", "metrics", "--serve", "0", "--home", str(settings.home)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        assert "f2p_disk_free_bytes" in scrape(url)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130


def documented(path: Path) -> set[str]:
    return set(re.findall(r"\bf2p_[a-z_]+\b", path.read_text())) - {"f2p_datasets", "f2p_models"}


@pytest.fixture
def exported(published: Settings, write_night: Write, write_run: Write) -> set[str]:
    """The names of all metrics of a home that has everything."""
    write_night("n1", datetime.now(UTC), hero="published")
    write_run("r1", status="refused", steps=[STEP], gates=[GATE])
    return {row["name"] for row in metrics_table(published)}


def test_the_documentation_lists_exactly_what_is_exported(exported: set[str]) -> None:
    assert documented(ROOT / "docs" / "monitoring.md") == exported


def test_alerts_watch_only_what_is_exported(exported: set[str]) -> None:
    alerts = ROOT / "infra" / "monitoring" / "alerts.yaml"
    assert documented(alerts) <= exported
    [group] = yaml.safe_load(alerts.read_text())["groups"]
    assert all(rule.keys() >= {"alert", "expr", "labels", "annotations"} for rule in group["rules"])


def test_prometheus_scrapes_where_the_service_answers() -> None:
    [job] = yaml.safe_load((ROOT / "infra" / "monitoring" / "prometheus.yaml").read_text())["scrape_configs"]
    assert job["metrics_path"] == "/f2p/metrics"
