"""``make bench``: benchmarks in turn, each a table of ratios measured side by side.

``python -m infra.bench.task_runners``, which takes minutes and compares what f2p does not use, is called by itself.
"""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = ("rendering", "datasets", "training", "orchestrator")


def main() -> None:
    """Each in a process of its own, so that none inherits another's threads or memory."""
    for name in BENCHMARKS:
        print(f"\n## {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"infra.bench.{name}"], check=True)


if __name__ == "__main__":
    main()
