from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine_bridge.characters import load_schema
from engine_bridge.mock import MockEngine
from f2p_datasets.rendering import DatasetPlan
from flows.engines.shard_job import render_held_to_look


class RemoteMock(MockEngine):
    """Says which folder it was held to while it rendered."""

    held_to: Path | None = None
    rendered_under: Path | None = None

    @contextmanager
    def canaries_kept_in(self, folder: Path) -> Iterator[None]:
        self.held_to = folder
        yield
        self.held_to = None

    def render(self, requests):  # type: ignore[no-untyped-def]
        self.rendered_under = self.held_to
        return super().render(requests)


@pytest.fixture
def plan() -> DatasetPlan:
    return DatasetPlan(schema=load_schema("tiny"), count=2, seed=1, resolution=64)


def test_a_remote_engine_is_held_to_the_look_of_the_dataset(plan: DatasetPlan, tmp_path: Path) -> None:
    engine = RemoteMock()
    render_held_to_look(engine, plan, 0, tmp_path, False)
    assert engine.rendered_under == tmp_path / "canaries"
    assert engine.held_to is None


def test_the_mock_engine_needs_no_such_folder(plan: DatasetPlan, tmp_path: Path) -> None:
    assert render_held_to_look(MockEngine(), plan, 0, tmp_path, False).num_pairs == 2
    assert not (tmp_path / "canaries").exists()
