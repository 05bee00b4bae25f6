"""The job of a worker process: one shard. Prefect is not imported here, so that workers start fast."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

from engine_bridge.bridge import EngineBridge
from f2p_datasets.rendering import DatasetPlan, render_shard
from f2p_datasets.shards import ShardRecord

#: The first canaries of a remote engine, beside the shards.
CANARIES: Final = "canaries"


def render_held_to_look(
    engine: EngineBridge, plan: DatasetPlan, shard_index: int, folder: Path, ahead: bool
) -> ShardRecord:
    """:func:`render_shard`; a remote engine is held to the look that the dataset was begun with, in whatever run.

    Its build should tell, but who works on an engine forgets to change it. Raises as :func:`render_shard` does.
    """
    kept_in: Callable[[Path], AbstractContextManager[None]] | None = getattr(engine, "canaries_kept_in", None)
    with nullcontext() if kept_in is None else kept_in(folder / CANARIES):
        return render_shard(engine, plan, shard_index, folder, ahead)
