"""Gates: conditions that a stage's output must meet before the next stage builds on it.

    GateError (RuntimeError)    a gate was not met: the run is refused, the champion stays; exit status 4

What is asked of data, networks and versions is in ``data_gate.py``, ``training_gate.py`` and ``publish_gate.py``. Gates
are looked at in every run, also when a stage's output was there already: what was refused once is refused again, until
something that shapes it is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.run_records import GateRecord
    from flows.runs import Run


class GateError(RuntimeError):
    """A gate that was not met. The message is one line: what was found, what is asked, and the way out."""

    def __init__(self, gate: GateRecord) -> None:
        super().__init__(gate)
        self.gate = gate

    def __str__(self) -> str:
        return f"{self.gate.stage}: refused by the gate {self.gate.name!r}: {self.gate.detail}"


@dataclass(frozen=True, kw_only=True)
class Check:
    """What a gate found. ``detail`` has the measured value and the limit, ``way_out`` what to do about a failure."""

    name: str
    passed: bool
    detail: str
    way_out: str = ""

    @property
    def line(self) -> str:
        """For the record: what was found and, of a failure, what to do."""
        return self.detail if self.passed or not self.way_out else f"{self.detail}; {self.way_out}"


def pass_gates(run: Run, stage: str, checks: Iterable[Check]) -> None:
    """Record the outcome of every check, then raise GateError for the first that was not met."""
    gates = [run.meet(stage, check.name, check.passed, check.line) for check in checks]
    for gate in gates:
        if not gate.passed:
            raise GateError(gate)


@contextmanager
def refusing(run: Run, stage: str, name: str, errors: type[Exception], *, way_out: str = "") -> Iterator[None]:
    """What these errors mean in the body is that a gate was not met."""
    try:
        yield
    except errors as error:
        pass_gates(run, stage, [Check(name=name, passed=False, detail=str(error), way_out=way_out)])
