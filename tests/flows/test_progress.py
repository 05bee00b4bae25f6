"""What is told while something is under way."""

from __future__ import annotations

from flows.progress import ProgressBar, console


def test_a_note_of_a_training_is_one_line() -> None:
    with console.capture() as told, ProgressBar("Train the imitator") as progress:
        progress.note("[tiny]/state.pt is damaged; the training begins anew")
    assert told.get() == "  [tiny]/state.pt is damaged; the training begins anew\n"
