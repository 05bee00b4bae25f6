"""Posting JSON to a webhook. Its address is a secret: whoever knows the path may post there.

Of an address only the host is ever shown. Redirects are refused, because they would hand the message to another host.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from engine_bridge.errors import InputError
from flows.settings import WEBHOOK_VARIABLE

SLACK_HOST: Final = "hooks.slack.com"
SLACK_PREFIX: Final = "slack+"
TIMEOUT_S: Final = 5.0
#: Before the second and the third attempt.
PAUSES_S: tuple[float, ...] = (1.0, 4.0)
#: A webhook that was down is tried only once for so long, or a night of a hundred characters would wait for it.
REST_S: Final = 300.0
#: Nobody waits longer than this for all webhooks together, however slowly they answer.
DEADLINE_S: float = 30.0

_down_since: dict[str, float] = {}


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Where a notice goes. ``name`` is safe to show: the number in the list, and the host."""

    name: str
    is_slack: bool
    url: str = field(repr=False)
    authorization: str = field(default="", repr=False)


class WebhookError(RuntimeError):
    """A webhook did not take a message; one line without its address."""


class _TemporaryError(WebhookError):
    """It may go better in a moment."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """None makes the redirect an error."""


def parse_webhooks(addresses: Sequence[str]) -> tuple[list[Webhook], list[str]]:
    """The webhooks, and a line for each address that is none."""
    webhooks, faults = [], []
    for number, address in enumerate(addresses, start=1):
        try:
            webhooks.append(_parse(address, number))
        except (InputError, ValueError):  # what urllib says would quote the address
            faults.append(
                f"{WEBHOOK_VARIABLE}: address {number} is none; give https://HOST/PATH, or slack+https://HOST/PATH"
            )
    return webhooks, faults


def deliver(webhooks: Sequence[Webhook], document_for: Callable[[Webhook], Mapping[str, Any]]) -> list[str]:
    """Post to all at once, and say which did not take it. Returns after :data:`DEADLINE_S` at the latest."""
    problems: dict[str, str] = {}
    threads = [
        threading.Thread(target=_deliver, args=(webhook, document_for(webhook), problems), daemon=True)
        for webhook in webhooks
    ]
    for webhook, thread in zip(webhooks, threads, strict=True):
        problems[webhook.name] = f"{webhook.name}: no answer within {DEADLINE_S:g} s"
        thread.start()
    end = time.monotonic() + DEADLINE_S
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0))
    return [line for line in dict(problems).values() if line]


def _parse(address: str, number: int) -> Webhook:
    parts = urlsplit(address.removeprefix(SLACK_PREFIX))
    port = f":{parts.port}" if parts.port else ""
    if parts.scheme not in ("http", "https") or not parts.hostname or not address.isprintable() or " " in address:
        raise InputError("no web address")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    return Webhook(
        name=f"webhook {number} ({parts.hostname})",
        is_slack=parts.hostname == SLACK_HOST or address.startswith(SLACK_PREFIX),
        url=urlunsplit((parts.scheme, host + port, parts.path or "/", parts.query, "")),
        authorization=f"Basic {base64.b64encode(user.encode()).decode()}" if user else "",
    )


def _deliver(webhook: Webhook, document: Mapping[str, Any], problems: dict[str, str]) -> None:
    try:
        _post_with_retries(webhook, json.dumps(document).encode())
    except WebhookError as error:
        problems[webhook.name] = f"{webhook.name}: {error}"
        _down_since[webhook.url] = time.monotonic()
    else:
        problems[webhook.name] = ""
        _down_since.pop(webhook.url, None)


def _post_with_retries(webhook: Webhook, body: bytes) -> None:
    rests = time.monotonic() - _down_since.get(webhook.url, -REST_S) < REST_S
    for pause in () if rests else PAUSES_S:
        try:
            _post(webhook, body)
        except _TemporaryError:
            time.sleep(pause)
        else:
            return
    _post(webhook, body)


def _post(webhook: Webhook, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "f2p"}
    if webhook.authorization:
        headers["Authorization"] = webhook.authorization
    request = Request(webhook.url, data=body, headers=headers, method="POST")
    try:
        with build_opener(_NoRedirects).open(request, timeout=TIMEOUT_S):
            return
    except HTTPError as error:
        with error:
            raise _refusal(error.code) from None  # its chain would show the address in a traceback
    except Exception as error:
        raise _TemporaryError(_reason(error)) from None


def _refusal(status: int) -> WebhookError:
    if 300 <= status < 400:
        return WebhookError(f"answered {status}, a redirect, which is not followed; give the address it leads to")
    if status == http.HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
        return _TemporaryError(f"answered {status}")
    return WebhookError(f"answered {status}; is the address in {WEBHOOK_VARIABLE} still the right one?")


def _reason(error: Exception) -> str:
    """What went wrong, without the error's own words: some of them quote the address."""
    cause = error.reason if isinstance(error, URLError) else error
    match cause:
        case TimeoutError():
            return f"no answer within {TIMEOUT_S:g} s"
        case ssl.SSLError():
            return f"no trusted connection ({cause.reason or 'TLS'})"
        case OSError() if cause.strerror:
            return cause.strerror
    return f"no connection ({type(cause).__name__})"
