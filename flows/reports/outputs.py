"""What a run left on disk, as far as it is still there and can be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from f2p_datasets.manifest import MANIFEST_NAME
from f2p_models.evaluation.report import Evaluation, read_evaluation
from flows.layout import EVALUATION_FILE
from flows.run_records import RunRecord, StepRecord
from flows.settings import Settings

T = TypeVar("T")
P = ParamSpec("P")

#: Stages whose output is a trained network.
NETWORKS: Final = ("imitator", "segmenter", "translator")


@dataclass
class Outputs:
    """A run's record, and the way to its files. ``notes`` collects what could not be read, and why."""

    settings: Settings
    run: RunRecord
    notes: list[str] = field(default_factory=list)

    def read(self, what: str, otherwise: T, reader: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the reader gives, or ``otherwise`` with a note: the rest of the page is still worth having."""
        try:
            return reader(*args, **kwargs)
        except Exception as error:  # a damaged file may make its reader raise anything
            self.notes.append(f"{what}: {' '.join(str(error).split()) or type(error).__name__}")
            return otherwise

    def folder(self, stage: str) -> Path | None:
        """Where a stage of this run left its output; None when it has none, or it is gone."""
        recorded = self.run.folder_of(stage)
        return self.place(recorded) if recorded else None

    def place(self, recorded: Path) -> Path | None:
        """A recorded folder as it lies now: in its place, or where a home that was moved has it. None when gone."""
        if recorded.is_dir():
            return recorded
        return next((place for place in self._moved(recorded) if place.is_dir()), None)

    def step(self, stage: str) -> StepRecord | None:
        """A stage's step; the last one, when it came twice."""
        return next((step for step in reversed(self.run.steps) if step.stage == stage), None)

    def datasets(self) -> dict[str, Path]:
        """Folders of the finished datasets by stage, in the order they were made."""
        found = {step.stage: self.folder(step.stage) for step in self.run.steps}
        return {stage: folder for stage, folder in found.items() if folder and (folder / MANIFEST_NAME).is_file()}

    def evaluation(self) -> Evaluation | None:
        """The evaluation's figures, if there are any."""
        folder = self.folder("evaluation")
        if folder is None:
            return None
        return self.read("evaluation", None, read_evaluation, folder / EVALUATION_FILE)

    def missing(self) -> list[str]:
        """Stages whose output is no longer where the record says, nor in the home."""
        return [f"{step.stage}: {step.folder} is gone" for step in self.run.steps if not self.place(Path(step.folder))]

    def _moved(self, recorded: Path) -> list[Path]:
        """Everything of a home lies at most two folders deep below one of its kinds."""
        kinds = (self.settings.datasets, self.settings.checkpoints, self.settings.evaluations, self.settings.creations)
        return [kind / name for kind in kinds for name in (recorded.name, f"{recorded.parent.name}/{recorded.name}")]
