"""What f2p talks to: the registry, a store, a Dask scheduler, Prefect's server, webhooks; and the schedule."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flows.monitoring.checks.ill import IllError
from flows.monitoring.health import examine_health
from flows.monitoring.night_history import read_history
from flows.monitoring.notifications import Notice, notify
from flows.monitoring.webhooks import parse_webhooks
from flows.orchestrator import served_address
from flows.settings import (
    DASK_VARIABLE,
    STORE_VARIABLE,
    WEBHOOK_VARIABLE,
    Settings,
    store_address,
    user_prefect_server,
    webhook_addresses,
)

SERVER_TIMEOUT_S: Final = 5.0
#: The header that says the server's time counts whole seconds, and the answer takes its time.
LARGEST_SERVER_SKEW_S: Final = 10.0


def check_server(settings: Settings) -> str:
    """The user's Prefect server, the one of ``f2p serve``, or the database of those that commands start themselves."""
    theirs = user_prefect_server()
    if theirs:
        return _check_api(theirs, whose="yours", fix="unset PREFECT_API_URL  # f2p then starts a server of its own")
    served = served_address(settings)
    if served:
        return _check_api(served, whose="of f2p serve", fix=f"f2p serve --home {settings.home}  # after ending it")
    return _check_database(settings)


def check_registry(settings: Settings) -> str:
    """Every character has its champion, whole."""
    shelves = [shelf for shelf in sorted(settings.registry.glob("*/")) if any(shelf.glob("[0-9]*"))]
    champions = [f"{shelf.name} {_check_champion(settings, shelf)}" for shelf in shelves]
    return f"champions {', '.join(champions)}" if champions else "nothing is published yet"


def check_store() -> str:
    """Where homes share a store, it can be written to and read."""
    address = store_address()
    if not address:
        return f"none; {STORE_VARIABLE} sets one up"
    from flows.scaling.stores import Store

    store = Store(address)
    store.check()
    return f"{store.shown} can be written to and read"


def check_dask(settings: Settings) -> str:
    """The scheduler that shards are sent to answers; one of our own is started when it is needed."""
    address = urlsplit(settings.dask or "")
    if not address.hostname or not address.port:
        return settings.dask or f"none; {DASK_VARIABLE} names a scheduler"
    with socket.create_connection((address.hostname, address.port), timeout=SERVER_TIMEOUT_S):
        return f"a scheduler listens at {settings.dask}"


def check_webhooks(settings: Settings, *, send_test: bool = False) -> str:
    """The addresses can be read; with ``send_test`` each of them takes a message."""
    webhooks, faults = parse_webhooks(webhook_addresses())
    problems = notify(settings, _TEST_NOTICE) if send_test and webhooks and not faults else faults
    if problems:
        raise IllError("; ".join(problems), f"export {WEBHOOK_VARIABLE}=https://HOST/PATH")
    names = ", ".join(webhook.name for webhook in webhooks)
    sent = " took a test notice" if send_test and names else ""
    return f"{names}{sent}" if names else f"none; {WEBHOOK_VARIABLE} sets them up"


def check_nights(settings: Settings) -> str:
    """Where nights are scheduled, the last one has finished."""
    history = read_history(settings)
    if history.damaged:
        raise IllError(f"{len(history.damaged)} record(s) cannot be read", f"rm {' '.join(map(str, history.damaged))}")
    if not history.nights:
        return "none yet: f2p serve schedules them"
    health = examine_health(settings)
    if not health.healthy:
        raise IllError(health.detail, f"f2p serve --home {settings.home}")
    return "; ".join((health.detail, *health.warnings))


_TEST_NOTICE: Final = Notice(kind="test", headline="f2p doctor tries the webhooks: all is well when you can read this")


def _check_champion(settings: Settings, shelf: Path) -> int:
    """The number of a character's champion."""
    from f2p_models.bundle_manifest import verify_bundle
    from f2p_models.errors import BundleError
    from flows.published import open_registry

    whose = f"--character {shelf.name} --home {settings.home}"
    try:
        champion = open_registry(settings).get(shelf.name)
    except BundleError as error:  # one version that cannot be read at all is in the way of all others
        removal = "".join(f"rm -r {folder}; " for folder in sorted(shelf.glob("[0-9]*")) if not _has_manifest(folder))
        raise IllError(str(error), f"{removal}f2p models rollback {whose}  # or f2p publish, for a new one") from error
    try:
        verify_bundle(champion.folder)
    except BundleError as error:
        raise IllError(str(error), f"f2p publish {whose}  # puts whole files in their place") from error
    return champion.version


def _has_manifest(folder: Path) -> bool:
    from f2p_models.bundle_manifest import read_manifest
    from f2p_models.errors import BundleError

    try:
        read_manifest(folder)
    except BundleError:
        return False
    return True


def _check_api(address: str, *, whose: str, fix: str) -> str:
    """The server answers, is of our version, and its clock agrees with ours."""
    parts = urlsplit(address)
    shown = f"{parts.scheme}://{parts.hostname}:{parts.port}" if parts.port else f"{parts.scheme}://{parts.hostname}"
    try:
        theirs, date = _ask(address)
    except Exception as error:  # each way of not answering has an error of its own
        raise IllError(f"the server {whose} at {shown} does not answer ({type(error).__name__})", fix) from error
    ours = version("prefect")
    if theirs.split(".")[:2] != ours.split(".")[:2]:
        raise IllError(
            f"the server {whose} at {shown} is Prefect {theirs}, this is {ours}", f"pip install prefect~={theirs}"
        )
    skew_s = (date - datetime.now(UTC)).total_seconds() if date else 0.0
    if abs(skew_s) > LARGEST_SERVER_SKEW_S:
        raise IllError(f"the clock of {shown} is {skew_s:+.0f} s from this machine's", "sudo timedatectl set-ntp true")
    return f"{whose}, {shown}, Prefect {theirs}"


def _ask(address: str) -> tuple[str, datetime | None]:
    """The server's version and time, through Prefect's own client: it knows how to log in."""
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    options: dict[str, Any] = {"timeout": SERVER_TIMEOUT_S}
    with (
        temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
        SyncPrefectClient(address, httpx_settings=options, server_type=None) as client,
    ):
        date = client.hello().headers.get("date")
        return str(client.api_version()), parsedate_to_datetime(date) if date else None


def _check_database(settings: Settings) -> str:
    database = settings.prefect / "prefect.db"
    if not database.is_file():
        return "each command starts its own; its database is not made yet"
    fix = f"rm {database}*  # it holds the history of Prefect's page, and nothing that f2p made"
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=SERVER_TIMEOUT_S)) as connection:
            [verdict] = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        raise IllError(f"{database}: {error}", fix) from error
    if verdict != "ok":
        raise IllError(f"{database} is damaged ({verdict})", fix)
    return f"each command starts its own; database {database.stat().st_size / 1e6:.0f} MB"
