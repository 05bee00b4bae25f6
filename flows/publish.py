"""Publishing: trained networks, their evaluation, exports and model card become an immutable version."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE

from engine_bridge.errors import InputError
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.durable import appearing_file
from f2p_models.bundle_manifest import verify_bundle
from f2p_models.checkpoints import load_imitator, load_translator
from f2p_models.creator_bundle import assemble_bundle, finish_bundle
from f2p_models.embedders import build_embedder
from f2p_models.errors import ExportError
from f2p_models.evaluation.report import read_evaluation
from f2p_models.export import ParityReport, export_onnx
from f2p_models.imitator import Imitator
from f2p_models.model_card import CardPicture, write_model_card
from f2p_models.registry import ModelVersion
from f2p_models.translator import Translator
from flows.artifacts import show_link, show_table
from flows.gates.gate import refusing
from flows.gates.publication import PARITY, pass_champion_gate, pass_publish_gate
from flows.gates.rescoring import CHAMPION_PHOTOS, RESCORING, score_champions_anew
from flows.layout import ENGINE, EVALUATION_FILE, PICTURES
from flows.pictures.evaluation_pictures import DRAWN
from flows.priors.fitting import ENERGY_FILE
from flows.progress import say
from flows.published import open_registry
from flows.run_records import StepRecord
from flows.runs import Run
from flows.steps import code_version
from flows.targets import Order, Target, step_target
from flows.train import TrainedCreator

NOTE_FILE: Final = "version.json"
#: Steps that a version is compared by, not made of.
OF_CHAMPION: Final = (CHAMPION_PHOTOS, RESCORING)
PRIORS_CAPTION: Final = "Facial priors: share of the variance by number of components; the dots are what is kept."


@task(task_run_name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish_version(
    run: Run, trained: TrainedCreator, evaluation: Path, *, earlier: Sequence[StepRecord] = ()
) -> ModelVersion:
    """The version these networks are: found in the registry, or published now.

    Raises GateError for a bundle that cannot create, and for a version that is worse than the champion: that one is
    kept beside it.

    ``earlier`` are steps of another run that led here; this run's own replace those of the same stage.
    """
    target = version_target(run.order, trained.hashes(), trained.template, evaluation.name)
    if not target.is_done:  # else it was compared with them when it was published
        score_champions_anew(run, read_evaluation(evaluation / EVALUATION_FILE).heldout, trained.template)
    folder = target.folder
    with run.step_to(target) as record:
        record.cached = target.is_done
        if not record.cached:
            with run.alone(folder):
                steps = (step for step in (*earlier, *run.record.steps) if step.stage not in OF_CHAMPION)
                lineage = {step.stage: step.key for step in steps}
                lineage[ENGINE] = run.record.engine
                published = _publish(run, trained, evaluation, folder / "bundle", parents=lineage)
                shutil.rmtree(folder / "bundle")  # first: once the note is there, nobody looks here again
                with appearing_file(folder / NOTE_FILE) as stream:
                    stream.write(json.dumps({"version": published.version}).encode())
        version = _noted(run.order, folder / NOTE_FILE)
        record.figures = {"version": version.version, "champion": "yes" if version.is_champion else "no"}
    say(f"  [dim]version {version.version}: {version.reason}[/]")
    show_table(f"version of {run.schema.character}", [{**record.figures, "reason": version.reason}])
    show_link(f"model card of {run.schema.character}", version.folder / "model_card.md")
    pass_champion_gate(run, version)
    return version


def version_target(order: Order, networks: Mapping[str, str], template: AlignmentTemplate, evaluation: str) -> Target:
    """The version of networks, given by their hashes, with an evaluation, given by its folder's name."""
    return step_target(
        "Publish",
        order.step("version", {**networks, "template": template.fingerprint, "evaluation": evaluation}),
        order.settings.evaluations,
        lambda folder: verify_bundle(_noted(order, folder / NOTE_FILE).folder),
    )


def _publish(
    run: Run, trained: TrainedCreator, evaluation: Path, bundle: Path, *, parents: Mapping[str, str]
) -> ModelVersion:
    """``parents`` are the keys of all steps that led here, by stage, and the engine with its build."""
    found = read_evaluation(evaluation / EVALUATION_FILE)
    embedder = build_embedder(run.recipe.embedder, trained.template.points, run.settings.lightcnn_weights)
    assemble_bundle(
        bundle,
        checkpoints=trained.checkpoints,
        schema=run.schema,
        template=trained.template.points,
        embedder=embedder,
        priors=trained.priors,
    )
    shutil.copytree(evaluation / PICTURES, bundle / PICTURES)
    shutil.copy(evaluation / EVALUATION_FILE, bundle / EVALUATION_FILE)
    with refusing(run, "version", PARITY, ExportError):
        exports = _export(trained, bundle / "onnx")
    pictures = [CardPicture(title=drawn.caption, path=f"{PICTURES}/{name}.png") for name, drawn in DRAWN.items()]
    if trained.priors:
        shutil.copy(trained.priors.with_name(ENERGY_FILE), bundle / PICTURES / "priors.png")
        pictures.append(CardPicture(title=PRIORS_CAPTION, path=f"{PICTURES}/priors.png"))
    write_model_card(
        bundle,
        schema=run.schema,
        embedder=embedder.name,
        evaluation=found,
        parents=parents,
        exports=exports,
        pictures=pictures,
    )
    finish_bundle(
        bundle,
        code_version=code_version("version"),
        heldout=found.heldout,
        metrics=found.metrics(),
        parents=parents,
    )
    pass_publish_gate(run, bundle, exports)
    return open_registry(run.settings).publish(run.schema.character, bundle)


def _export(trained: TrainedCreator, folder: Path) -> list[ParityReport]:
    networks: dict[str, Imitator | Translator] = {
        "imitator": load_imitator(trained.imitator)[0],
        "translator": load_translator(trained.translator)[0],
    }
    return [export_onnx(network, folder / f"{name}.onnx") for name, network in networks.items()]


def _noted(order: Order, note: Path) -> ModelVersion:
    """The version a finished step published. Raises InputError when there is no such note."""
    return open_registry(order.settings).get(order.schema.character, noted_version(note.parent))


def noted_version(folder: Path) -> int:
    """The number that a finished step published. Raises InputError when there is no such note."""
    note = folder / NOTE_FILE
    try:
        return int(json.loads(note.read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{note}: no version was published here ({error})") from error
