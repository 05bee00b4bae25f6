from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from flows.monitoring import webhooks
from flows.monitoring.webhooks import Webhook, deliver, parse_webhooks

SECRET = "B0C/tOpSeCrEt"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(webhooks, "PAUSES_S", (0.0, 0.0))
    webhooks._down_since.clear()
    yield
    webhooks._down_since.clear()


def post_to(*addresses: str) -> list[str]:
    found, faults = parse_webhooks(addresses)
    return faults + deliver(found, lambda _: {"headline": "done"})


def one(address: str) -> Webhook:
    [found], faults = parse_webhooks([address])
    assert not faults
    return found


def test_a_message_arrives_once_as_json(webhook: Any) -> None:
    assert post_to(webhook.url()) == []
    assert webhook.received == [{"headline": "done"}]
    assert webhook.headers[0]["Content-Type"] == "application/json"
    assert webhook.paths == [f"/services/{SECRET}?token={SECRET}"]


@pytest.mark.parametrize("answers", [(500,), (503, 429), (0, 502)], ids=str)
def test_a_server_that_stumbles_is_asked_again(serving: Any, answers: tuple[int, ...]) -> None:
    with serving(*answers) as server:
        assert post_to(server.url()) == []
        assert len(server.received) == len(answers) + 1


def test_three_times_are_enough(serving: Any) -> None:
    with serving(500, 500, 500, 500) as server:
        assert post_to(server.url()) == ["webhook 1 (127.0.0.1): answered 500"]
        assert len(server.received) == 3


def test_a_webhook_that_was_down_is_tried_only_once_the_next_time(serving: Any) -> None:
    with serving(500, 500, 500, 500) as server:
        post_to(server.url())
        assert post_to(server.url())
        assert len(server.received) == 4
        assert post_to(server.url()) == []  # and is a good one again as soon as it takes a message


def test_an_address_that_is_gone_is_not_asked_again(serving: Any) -> None:
    with serving(404, 404) as server:
        [problem] = post_to(server.url())
        assert "answered 404" in problem
        assert len(server.received) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(serving: Any, webhook: Any, status: int) -> None:
    with serving(status) as redirecting:
        redirecting.location = webhook.url(host="localhost")
        [problem] = post_to(redirecting.url())
        assert "redirect" in problem
        assert webhook.received == []


def test_one_that_is_down_does_not_keep_the_message_from_the_other(webhook: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    problems = post_to(f"http://127.0.0.1:{port}/{SECRET}", webhook.url())
    assert problems == ["webhook 1 (127.0.0.1): Connection refused"]
    assert len(webhook.received) == 1


def test_nobody_waits_for_a_server_that_says_nothing(serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "DEADLINE_S", 0.2)
    with serving(-1) as silent:
        assert post_to(silent.url()) == ["webhook 1 (127.0.0.1): no answer within 0.2 s"]


@pytest.mark.parametrize(
    "address",
    [
        f"hooks.example.com/{SECRET}",
        f"ftp://hooks.example.com/{SECRET}",
        f"file:///etc/{SECRET}",
        f"https:///{SECRET}",
        f"https://hooks.example.com:port/{SECRET}",
        f"https://hooks.example.com/two words {SECRET}",
        f"https://hooks.example.com/\n{SECRET}",
        f"https://[hooks/{SECRET}",
    ],
)
def test_what_is_no_address_is_told_without_its_secret(address: str) -> None:
    found, [fault] = parse_webhooks([address])
    assert not found
    assert "F2P_WEBHOOK_URL: address 1" in fault
    assert SECRET not in fault


def test_no_representation_of_a_webhook_shows_its_secret() -> None:
    found = one(f"https://me:{SECRET[4:]}@hooks.example.com/{SECRET}?key={SECRET}")
    assert SECRET[4:] not in repr(found)
    assert found.name == "webhook 1 (hooks.example.com)"


def test_a_name_and_password_become_a_header(webhook: Any) -> None:
    assert post_to(webhook.url().replace("127.0.0.1", "me:pass%20word@127.0.0.1")) == []
    assert webhook.headers[0]["Authorization"] == "Basic bWU6cGFzcyB3b3Jk"


@pytest.mark.parametrize(
    ("address", "is_slack"),
    [
        ("https://hooks.slack.com/services/T/B/x", True),
        ("slack+https://chat.example.com/hooks/x", True),
        ("https://chat.example.com/hooks/x", False),
        ("https://hooks.slack.com.example.com/x", False),
    ],
)
def test_slack_is_told_by_its_host_or_by_a_prefix(address: str, is_slack: bool) -> None:
    found = one(address)
    assert found.is_slack == is_slack
    assert found.url == address.removeprefix("slack+")
