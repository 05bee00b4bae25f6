"""The gate before publishing: the bundle loads, it makes a character of a photo, and its exports compute the same.

And after it: the version is no worse than the champion. One that is stays in the registry as a challenger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from engine_bridge.errors import InputError
from f2p_datasets.alignment import AlignmentTemplate
from f2p_models.creation import Creation, Creator, fixed_mode
from f2p_models.creator_bundle import CreatorBundle, load_bundle
from f2p_models.export import ParityReport
from f2p_models.pictures import from_pictures
from f2p_models.registry import ModelVersion
from flows.engines.orders import studio_renderer
from flows.gates.gate import Check, pass_gates, refusing
from flows.photos.names import sample_photo
from flows.photos.portraits import PortraitFinder
from flows.runs import Run

PARITY: Final = "ONNX parity"
AGAIN: Final = "delete what it names and run again"
LOOK: Final = "look at the previews beside the checkpoints and train again"


def pass_publish_gate(run: Run, bundle: Path, exports: Iterable[ParityReport]) -> None:
    """Raise GateError for a finished bundle that cannot do what it is published for."""
    pass_gates(run, "version", _parity(exports))
    with refusing(run, "version", "loads", InputError, way_out=AGAIN):
        loaded = load_bundle(bundle, embedder_checkpoint=run.settings.lightcnn_weights)
    fitting = f"networks that fit together, for vectors of {loaded.schema.vector_size}"
    pass_gates(run, "version", [Check(name="loads", passed=True, detail=fitting)])
    with refusing(run, "version", "creates", InputError, way_out=LOOK):
        check = _creates(loaded, _create(run, loaded))
    pass_gates(run, "version", [check])


def pass_champion_gate(run: Run, version: ModelVersion) -> None:
    """Raise GateError for a version that was kept back as worse, if the recipe asks that a run is refused for it."""
    asked = run.recipe.gates.refuse_worse
    check = Check(
        name="champion",
        passed=not version.is_kept_back or not asked,
        detail=f"version {version.version} {version.reason}",
        way_out=f"the champion stays; to use this one all the same: "
        f"f2p models promote --character {version.character} --version {version.version}",
    )
    pass_gates(run, "version", [check])


def _parity(exports: Iterable[ParityReport]) -> Iterator[Check]:
    """An export that differs by more is refused where it is made."""
    for export in exports:
        yield Check(
            name=PARITY,
            passed=export.max_abs_difference <= export.tolerance,
            detail=f"{export.path.name} differs from its network by {export.max_abs_difference:.2g} at most, "
            f"{export.tolerance:.2g} is accepted",
        )


def _create(run: Run, bundle: CreatorBundle) -> Creation:
    """A character of the portrait that ships, in the mode that decides about the version."""
    mode = run.recipe.evaluated_modes[-1]
    template = AlignmentTemplate(np.asarray(bundle.template, np.float64))
    finder = PortraitFinder(template, bundle.resolution, mode=mode, faces="largest")
    portrait = next(finder.portraits(sample_photo(), set()))
    render = studio_renderer(run.engine, run.schema.character, bundle.resolution)
    creator = Creator(bundle, run.recipe.search, render=render)
    return creator.create(from_pictures([portrait.aligned]), [fixed_mode(mode)])[0]


def _creates(bundle: CreatorBundle, creation: Creation) -> Check:
    vector = creation.vector(0)
    bundle.schema.decode(vector)  # raises SchemaError, an InputError, for a vector that is none
    sliders = vector[: bundle.schema.num_continuous]
    pictured = bundle.imitator.picture(creation.vectors.to(bundle.device))
    whole = bool(np.isfinite(vector).all() and pictured.isfinite().all())
    found = f"sliders from {sliders.min():.2f} to {sliders.max():.2f}" if whole else "figures that are not finite"
    detail = f"a character of the test photo by {creation.mode}, {found}"
    return Check(name="creates", passed=whole, detail=detail, way_out=LOOK)
