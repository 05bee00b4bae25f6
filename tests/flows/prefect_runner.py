"""A studio's own flow around ours, started by Prefect's runner as a process: ``python prefect_runner.py HOME OUT``.

It ends when the one run that it starts has ended.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.runner import Runner

from flows.cli.app import main


@flow
def nightly(home: str, out: str) -> None:
    """What a night renders."""
    order = ("--character", "tiny", "--count", "200", "--shard-size", "5", "--resolution", "128")
    engine = ("--engine", "mock_remote", "--instances", "2")
    status = main(["render", *order, *engine, "--home", home, "--out", out])
    assert status == 0, f"status {status}"


async def _run_once(home: Path, out: Path) -> None:
    runner = Runner(name="nightly")
    deployment = await runner.aadd_flow(nightly, name="nightly", parameters={"home": str(home), "out": str(out)})
    async with get_client() as client:
        ordered = await client.create_flow_run_from_deployment(deployment)
    await runner.execute_flow_run(ordered.id)


if __name__ == "__main__":
    asyncio.run(_run_once(Path(sys.argv[1]), Path(sys.argv[2])))
