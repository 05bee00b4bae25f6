from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from engine_bridge.remote.bridge_end.handshake import Expectation, check_expectation, read_hello, welcome
from engine_bridge.remote.bridge_end.verification import verify_reply
from engine_bridge.remote.wire.example_session import ELF, example_markdown, example_messages, hex_dump
from engine_bridge.remote.wire.messages import FrameReply, Hello, RenderOrder, Welcome
from engine_bridge.remote.wire.orders import check_order, read_requests
from engine_bridge.remote.wire.protocol import decode, encode

PAGE = Path(__file__).parents[4] / "docs" / "protocol.md"


def test_the_page_shows_what_the_code_sends() -> None:
    assert example_markdown() in PAGE.read_text(encoding="utf-8")


def test_the_bridge_takes_the_example_engine_in_on_the_terms_shown() -> None:
    hello, terms = (decode(encode(message)) for _, message in example_messages()[:2])
    assert isinstance(hello, Hello)
    assert read_hello(str(encode(hello)), hello.token) == hello
    check_expectation(hello, Expectation(build="elf_engine 1.0", fingerprints={"elf": ELF.fingerprint}))
    assert welcome(hello) == terms


def test_the_example_frame_answers_the_example_order() -> None:
    hello, terms, order, reply = (message for _, message in example_messages()[:4])
    assert isinstance(hello, Hello)
    assert isinstance(terms, Welcome)
    assert isinstance(order, RenderOrder)
    assert isinstance(reply, FrameReply)
    check_order(order, hello, terms, 0)
    (request,) = read_requests(order, ELF)
    frame = verify_reply(reply, request, ELF, hello.capabilities, "raw")
    assert frame.picture[0, 0].tolist() == [70, 70, 70]


@pytest.mark.skipif(shutil.which("hexdump") is None, reason="hexdump is not installed: apt-get install bsdextrautils")
@pytest.mark.parametrize("data", [b"", bytes(100), bytes(range(256)), b"abc" * 33])
def test_dumps_are_those_of_hexdump(data: bytes) -> None:
    dumped = subprocess.run(["hexdump", "-C"], input=data, capture_output=True, check=True).stdout.decode()
    assert hex_dump(data) == (dumped.rstrip("\n") or "00000000")
