from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from engine_bridge.errors import InputError
from flows.monitoring import notifications, webhooks
from flows.monitoring.logs import read_log
from flows.monitoring.notifications import Kind, Notice, document_of, notify, slack_message_of
from flows.settings import WEBHOOK_VARIABLE, Settings

SECRET = "B0C/tOpSeCrEt"
NOTICE = Notice(
    kind="refused",
    character="tiny",
    run_id="2026-11-20-tiny-smoke-001",
    headline="tiny: refused by the gate 'finite loss' <imitator & co>",
    facts={"loss": float("nan"), "champion": 3},
)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(webhooks, "PAUSES_S", ())
    webhooks._down_since.clear()
    yield
    webhooks._down_since.clear()


def test_the_log_has_every_notice_even_without_webhooks(settings: Settings) -> None:
    assert notify(settings, NOTICE) == []
    [line] = read_log(settings)
    assert (line["event"], line["level"]) == ("notice: refused", "error")
    assert (line["run"], line["character"], line["facts"]["champion"]) == (NOTICE.run_id, "tiny", 3)


def test_a_generic_webhook_gets_the_notice(settings: Settings, webhook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WEBHOOK_VARIABLE, webhook.url())
    assert notify(settings, NOTICE) == []
    [message] = webhook.received
    assert {name: message[name] for name in ("source", "kind", "level", "character", "run_id", "headline")} == {
        "source": "f2p",
        "kind": "refused",
        "level": "error",
        "character": "tiny",
        "run_id": NOTICE.run_id,
        "headline": NOTICE.headline,
    }
    assert message["facts"] == {"loss": "nan", "champion": 3}
    assert message["time"].endswith("+00:00")


def test_slack_gets_a_message_of_its_own_beside_it(
    settings: Settings, webhook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEBHOOK_VARIABLE, f" {webhook.url()} , {webhook.url('slack+http')},")
    assert notify(settings, NOTICE) == []
    slack, generic = sorted(webhook.received, key=lambda message: "headline" in message)
    assert generic["headline"] == NOTICE.headline
    assert slack["text"] == "f2p *refused*: tiny: refused by the gate 'finite loss' &lt;imitator &amp; co&gt;"
    titles = [field["title"] for field in slack["attachments"][0]["fields"]]
    assert titles == ["character", "run", "loss", "champion", "host"]


def test_a_webhook_that_is_down_raises_nothing_and_keeps_its_secret(
    serving: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(404) as server:
        monkeypatch.setenv(WEBHOOK_VARIABLE, server.url())
        [problem] = notify(settings, NOTICE)
    told, line = capfd.readouterr(), read_log(settings)[-1]
    assert "answered 404" in problem
    assert (line["event"], line["detail"]) == ("notice not delivered", problem)
    for text in (problem, json.dumps(line), told.out, told.err):
        assert SECRET not in text


def test_nothing_that_goes_wrong_reaches_the_night(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(notifications, "parse_webhooks", explode)
    [problem] = notify(settings, NOTICE)
    assert "RuntimeError" in problem
    assert SECRET not in problem


def test_a_notice_is_of_a_known_kind() -> None:
    with pytest.raises(InputError, match="kind: 'great' is none of published, unchanged"):
        Notice(kind="great", headline="")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_makes_both_messages(kind: Kind) -> None:
    notice = Notice(kind=kind, headline="night")
    assert document_of(notice)["facts"] == {}
    assert json.dumps(slack_message_of(notice))


def test_each_message_has_an_id_of_its_own() -> None:
    assert document_of(NOTICE)["id"] != document_of(NOTICE)["id"]


def test_slack_is_spared_long_texts() -> None:
    message = slack_message_of(Notice(kind="failed", headline="x" * 10_000, facts={"trace": "y" * 10_000}))
    assert len(json.dumps(message)) < 3_000


def test_slack_is_not_told_the_same_sentence_twice() -> None:
    reason = "version 2, champion: not worse than the one before"
    message = slack_message_of(Notice(kind="published", headline=f"tiny: {reason}", facts={"reason": reason, "n": 2}))
    assert [field["title"] for field in message["attachments"][0]["fields"]] == ["n", "host"]
