from __future__ import annotations

from types import SimpleNamespace

from flows.render import _mover


def test_a_bar_moves_to_where_an_import_is_and_skips_what_was_there() -> None:
    steps: list[int] = []
    move = _mover(SimpleNamespace(advance=steps.append))  # type: ignore[arg-type]  # a bar is more than this
    for done in (500, 501, 502):
        move(done, 1000)
    assert steps == [500, 1, 1]
