"""The whole pipeline on one page: a character type becomes a published creator (Shi et al., TPAMI).

Every line of the flow is a step whose output is named by the hash of what went into it. A step that is done and
verifies is not done again; a killed one continues with what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from f2p_datasets.parsing import ParsingSet
from flows.adaptation import adapt_segmenter, gather_labelled
from flows.artifacts import show_link
from flows.create import create_characters
from flows.engines.orders import EngineOrder
from flows.evaluate import evaluate_creator
from flows.priors.fitting import fit_facial_priors, prior_photos
from flows.publish import publish_version
from flows.recipes import NETWORKS, find_recipe
from flows.render import find_template, gather_photos, render_heldout_photos, render_photo_like, render_studio
from flows.reports import reported, write_report
from flows.run_records import RunRecord
from flows.runs import open_run
from flows.settings import Settings
from flows.train import TrainedCreator, train_imitator, train_segmenter, train_translator


@flow(
    name="build-character",
    flow_run_name="{character}-{recipe}",
    task_runner=ThreadPoolTaskRunner[Any](max_workers=64),  # type: ignore[arg-type]  # threads only wait for our workers
    validate_parameters=False,
)
def build_character(
    character: str,
    *,
    recipe: str = "quick",
    num_pairs: int | None = None,
    engine: EngineOrder = EngineOrder(),  # noqa: B008 - it is frozen
    seed: int = 0,
    home: Path | None = None,
    photos: Path | None = None,
    labelled: ParsingSet | None = None,
    portraits: Sequence[Path] = (),
    num_workers: int | None = None,
    wait_s: float = 0.0,
    publishing: bool = True,
) -> RunRecord:
    """From random parameters to a creator in use, and characters from ``portraits``.

    ``photos`` is a folder of the user's own for the translator; without, it learns from photo-like renders.
    ``num_pairs`` studio pairs are rendered in place of the recipe's number.
    ``labelled`` photos are what the segmenter goes on with, after the renders.
    Another run of the character is waited for ``wait_s`` at most. Without ``publishing`` it ends with the evaluation.
    """
    settings = Settings.from_environment(home)
    opening = open_run(
        settings,
        character=character,
        recipe=find_recipe(recipe, num_pairs=num_pairs),
        engine=engine,
        seed=seed,
        num_workers=num_workers,
        trains=NETWORKS,
        only_one=True,
        wait_s=wait_s,
    )
    with reported(opening) as run:
        # What the engine can draw: random characters in the studio, each a picture and its parts (sections 3.1, 4.1).
        studio = render_studio(run)

        # Photos have any pose and light. The average face's landmarks are the frame that all are aligned to.
        template = find_template(run)
        photo_like = render_photo_like(run, template)
        heldout_photos = render_heldout_photos(run, template)
        training_photos = gather_photos(run, template, photos) if photos else photo_like

        # G imitates the engine, so that gradients can pass; F_seg sees the parts of a face (sections 3.1, 3.6).
        imitator = train_imitator(run, studio)
        segmenter = train_segmenter(run, studio, photo_like)
        if labelled:
            segmenter = adapt_segmenter(run, segmenter, photo_like, labelled=gather_labelled(run, template, labelled))

        # T turns an identity into parameters: their picture through G is to look like the photo (sections 3.2, 3.4).
        translator = train_translator(
            run,
            photos=training_photos,
            photo_like=photo_like,
            imitator=imitator,
            segmenter=segmenter,
            template=template,
        )

        # What the faces created from front views have in common is what a created face is held to (section 3.5).
        networks = TrainedCreator(imitator=imitator, segmenter=segmenter, translator=translator, template=template)
        trained = fit_facial_priors(run, networks, prior_photos(training_photos, photo_like))

        # Judged on the engine's own renders, of people that no network has seen and that never change.
        evaluation = evaluate_creator(run, trained, studio, photo_like, heldout_photos)
        if not publishing:
            return run.record

        # A challenger becomes champion unless it is worse.
        version = publish_version(run, trained, evaluation)
        create_characters(run, version, portraits)
    show_link(f"report of {run.record.run_id}", write_report(settings, run.record))
    return run.record
