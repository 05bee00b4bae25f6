from __future__ import annotations

import pytest

from engine_bridge.remote.processes.adapters import Adapter, find_adapters


@pytest.mark.parametrize("adapter", find_adapters().values(), ids=lambda adapter: adapter.name)
def test_python_engines_import_nothing_from_the_current_folder(adapter: Adapter) -> None:
    for command in (adapter.command, adapter.prepare):
        if "{python}" in command:
            assert command[command.index("{python}") + 1] == "-P"
