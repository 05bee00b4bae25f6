"""Telling people how a night went: a line in the log always, and a message to every webhook that is set up.

``F2P_WEBHOOK_URL`` holds the webhooks, with commas between. Slack's own host gets messages in Slack's format, as does
``slack+https://HOST/PATH`` (Mattermost, Rocket.Chat, Discord's ``/slack``); every other one gets the notice as JSON.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args
from uuid import uuid4

from rich.markup import escape

from engine_bridge.errors import InputError
from flows.monitoring.logs import Level, log, plain_json
from flows.monitoring.webhooks import Webhook, deliver, parse_webhooks
from flows.progress import say
from flows.settings import Settings, webhook_addresses

#: refused: a gate said no. interrupted: Ctrl-C, or cancelled in Prefect. skipped: the engine or the character was busy,
#: or there was no disk or no time. finished: an order that publishes nothing is carried out. stale: no night has
#: finished for too long. test: somebody tries the webhooks.
Kind = Literal["published", "unchanged", "finished", "refused", "failed", "interrupted", "skipped", "stale", "test"]

_LEVELS: Final[dict[Kind, Level]] = {
    "published": "info",
    "unchanged": "info",
    "finished": "info",
    "refused": "error",
    "failed": "error",
    "interrupted": "warning",
    "skipped": "warning",
    "stale": "error",
    "test": "info",
}
_COLOURS: Final[dict[Level, str]] = {"info": "#2e9e5b", "warning": "#d99a1c", "error": "#c93434"}
#: Slack cuts longer ones off itself, at the end of the message, where the link would be.
_LONGEST_FACT: Final = 500
#: Facts that stand two in a row.
_SHORT: Final = 40


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What people are told. ``headline`` is one line; ``facts`` are the few names and numbers behind it.

    ``character`` and ``run_id`` are empty where the notice is about the whole night.
    """

    kind: Kind
    headline: str
    character: str = ""
    run_id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InputError(f"kind: {self.kind!r} is none of {', '.join(get_args(Kind))}")

    @property
    def level(self) -> Level:
        return _LEVELS[self.kind]


def notify(settings: Settings, notice: Notice) -> list[str]:
    """Log the notice and post it to every webhook. Never raises; what went wrong is logged, printed and returned."""
    try:
        return _notify(settings, notice)
    except Exception as error:  # whatever it is, it must not cost the night
        problem = f"the notice could not be sent ({type(error).__name__})"
        log(settings, "notice not delivered", level="warning", detail=problem)
        return [problem]


def document_of(notice: Notice) -> dict[str, Any]:
    """The generic JSON message. ``id`` tells a message that was sent twice from two messages."""
    return {
        "source": "f2p",
        "id": str(uuid4()),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": socket.gethostname(),
        "kind": notice.kind,
        "level": notice.level,
        "character": notice.character,
        "run_id": notice.run_id,
        "headline": notice.headline,
        "facts": plain_json(notice.facts),
    }


def slack_message_of(notice: Notice) -> dict[str, Any]:
    """The same for Slack and whatever understands its messages."""
    about = {"character": notice.character, "run": notice.run_id, **notice.facts, "host": socket.gethostname()}
    told = {name: str(value) for name, value in about.items() if value is not None}
    fields = [
        {"title": _for_slack(name), "value": _for_slack(value), "short": len(value) < _SHORT}
        for name, value in told.items()
        if value and (len(value) < _SHORT or value not in notice.headline)
    ]
    attachment = {"color": _COLOURS[notice.level], "fallback": _for_slack(notice.headline), "fields": fields}
    return {"text": f"f2p *{notice.kind}*: {_for_slack(notice.headline)}", "attachments": [attachment]}


def _notify(settings: Settings, notice: Notice) -> list[str]:
    document = document_of(notice)
    whose: dict[str, Any] = {"run": notice.run_id, "character": notice.character}
    log(settings, f"notice: {notice.kind}", level=notice.level, **whose, headline=notice.headline, facts=notice.facts)
    webhooks, problems = parse_webhooks(webhook_addresses())

    def document_for(webhook: Webhook) -> dict[str, Any]:
        return slack_message_of(notice) if webhook.is_slack else document

    problems += deliver(webhooks, document_for)
    for problem in problems:
        say(f"[yellow]![/] notice not delivered: {escape(problem)}")
        log(settings, "notice not delivered", level="warning", **whose, detail=problem)
    return problems


def _for_slack(value: Any) -> str:
    """Slack's three control characters escaped, and no longer than a reader wants."""
    text = str(value)
    text = text if len(text) <= _LONGEST_FACT else f"{text[:_LONGEST_FACT]}…"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
