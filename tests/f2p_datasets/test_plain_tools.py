"""A dataset opens with webdataset, pyarrow, Pillow and tar, with none of our code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

README = Path(__file__).parents[2] / "datasets" / "README.md"


def test_the_readmes_example_reads_every_pair(finished_dataset: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    run = subprocess.run(
        [sys.executable, "-c", example], cwd=finished_dataset.parent, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == ["(32, 32, 3) (32, 32) (19,)"] * 60


def test_tar_lists_a_shard(finished_dataset: Path) -> None:
    shard = finished_dataset / "shard-000004.tar"
    listed = subprocess.run(["tar", "tf", shard], capture_output=True, text=True, check=True).stdout.splitlines()
    assert listed[-4:] == [f"00000059.{field}" for field in ("image.qoi", "mask.png", "vector.npy", "json")]


def test_pyarrow_filters_the_table_by_a_parameter(finished_dataset: Path) -> None:
    table = pq.read_table(finished_dataset / "pairs.parquet", filters=[("split", "=", "heldout")])
    assert table.column("index").to_pylist() == list(range(4, 60, 5))
