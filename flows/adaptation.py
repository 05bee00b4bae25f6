"""A segmenter that has learned from renders goes on with photos: labelled ones, or any, which it labels itself.

The paper fine-tunes its segmenter on Helen's labelled photos (section 3.6). Who has such a set gives it; who has only
photos gives these: where the segmenter is sure of what it sees in a photo as it is, it learns to see the same in
changed copies (Lee, 2013; Xie et al., 2020). Renders go on taking turns, so that nothing certain is forgotten.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.manifest import read_manifest
from f2p_datasets.parsing import ParsingSet, import_parsing_set
from f2p_models import training
from f2p_models.checkpoints import load_segmenter
from f2p_models.training.loop import TrainingResult
from f2p_models.training.progress import Progress
from flows.gates.training import pass_gap_gate
from flows.layout import PARSING
from flows.planning.dataset_plans import TITLES, dataset_target, labelled_plan, share_missing
from flows.planning.training_plans import adaptation_inputs, adaptation_settings
from flows.progress import ProgressBar
from flows.runs import Run
from flows.train import checkpoint_hash, dataset_key, open_pairs, trained


def gather_labelled(run: Run, template: AlignmentTemplate, labelled: ParsingSet) -> Path:
    """A parsing set's photos and masks in the studio's frame. Raises InputError for a set without all parts."""
    plan = labelled_plan(run.order, template, labelled)
    provenance = plan.provenance()
    target = dataset_target(run.order, provenance, PARSING, TITLES[PARSING])
    folder = target.folder
    with run.step_to(target) as record:
        record.cached = target.is_done
        if not record.cached:
            record.share = share_missing(target, provenance)
            with run.alone(folder), ProgressBar(target.title) as bar:
                bar.start(provenance.count)
                import_parsing_set(plan, folder, progress=lambda *_: bar.advance())
        manifest = read_manifest(folder)
        record.figures = {"photos": manifest.num_pairs, "rejects": manifest.num_rejects}
    return folder


@task(task_run_name="adapt segmenter", cache_policy=NO_CACHE, persist_result=False)
def adapt_segmenter(
    run: Run, segmenter: Path, photo_like: Path, *, labelled: Path | None = None, photos: Path | None = None
) -> Path:
    """Go on with a trained segmenter on a dataset of labelled photos, on one of photos, or on both.

    It has to meet the gates that the first one met.
    """
    start, _ = load_segmenter(segmenter)
    settings = adaptation_settings(run.order)
    fields = ("image", "mask")
    masked = [found for found in (photo_like, labelled) if found]

    def fit(folder: Path, progress: Progress) -> TrainingResult:
        return training.train_segmenter(
            start.config,
            settings,
            train=[open_pairs(run, found, "train", settings, fields=fields) for found in masked],
            photos=open_pairs(run, photos, "train", settings, fields=("image",)) if photos else None,
            heldout=open_pairs(run, photo_like, "heldout", settings, fields=fields),
            start=start,
            folder=folder,
            resume=True,
            progress=progress,
        )

    datasets = [*masked, *([photos] if photos else [])]
    keys = [dataset_key(found) for found in datasets]
    inputs = adaptation_inputs(run.order, start.config, keys, checkpoint_hash(segmenter))
    checkpoint = trained(run, "segmenter", inputs, fit, datasets=datasets, parents={"segmenter": segmenter})
    # The renders' gap, as of the first segmenter: they went on taking turns, and the card's held-out error is theirs.
    # Photos have none there: what it labelled itself has no truth to differ from, and how well it does on labelled
    # photos that it has not seen is for 'f2p evaluate parsing'.
    pass_gap_gate(run, "segmenter", checkpoint, partial(open_pairs, run, photo_like, "train", settings, fields=fields))
    return checkpoint
