"""``python -m engine_bridge.engines.mock_remote [--fault NAME]...``: the mock engine as an engine process.

The address comes from the environment, as for every engine. F2P_MOCK_FAULTS holds more faults separated by commas,
F2P_MOCK_SEED the seed of the random ones, F2P_MOCK_MEMORY the folder of those that happen once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine_bridge.engines.mock_remote.serving import serve_mock
from engine_bridge.errors import EngineError, InputError
from engine_bridge.remote.engine_end.faults import FAULTS, Fault, parse_fault, parse_faults


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Exit status: 0 sent home, 2 wrongly called, 3 refused by the bridge, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="mock_remote", description=__doc__.partition(":")[0])
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME[=VALUE][@WHEN][!]", help=", ".join(FAULTS)
    )
    chosen = parser.parse_args(arguments)
    try:
        _serve(tuple(parse_fault(fault) for fault in chosen.fault), environment)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except EngineError as error:
        print(error, file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return 0


def _serve(faults: tuple[Fault, ...], environment: Mapping[str, str]) -> None:
    folders = environment.get("F2P_CHARACTER_FOLDERS", "")
    memory = environment.get("F2P_MOCK_MEMORY")
    serve_mock(
        url=_member(environment, "F2P_BRIDGE_URL"),
        token=_member(environment, "F2P_BRIDGE_TOKEN"),
        instance=environment.get("F2P_ENGINE_INSTANCE") or f"mock-{os.getpid()}",
        characters_folders=[Path(folder) for folder in folders.split(os.pathsep) if folder],
        faults=faults + parse_faults(environment.get("F2P_MOCK_FAULTS", "")),
        seed=int(environment.get("F2P_MOCK_SEED", "0")),
        memory=Path(memory) if memory else None,
    )


def _member(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise InputError(f"{name}: not set; the bridge that starts an engine sets it")
    return environment[name]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
