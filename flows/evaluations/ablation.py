"""``f2p evaluate ablation``: what each loss and the attention bring (TPAMI, Table 8).

Translators that differ in nothing but that are trained on the same photos, against the same imitator, segmenter and
embedder, by self-supervision alone: no parameter loss and no warm-up. Each is then verified like the creator itself.
They are kept as any trained translator is, so a second ablation on another set trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from engine_bridge.frames import Picture
from f2p_datasets.verification import SomePictures, VerificationSet, aligned_pictures
from f2p_models.creation import Creator
from f2p_models.pictures import from_pictures
from flows.create import refuse_other_engine
from flows.engines.orders import EngineOrder, studio_renderer
from flows.evaluate import open_networks
from flows.evaluations.hardware import circumstances
from flows.evaluations.page import EvaluationPage, Figure, Place, Table, evaluate_once
from flows.evaluations.verifying import SetOrder, VerificationOptions, Verified, describe_pairs, describe_set, verify
from flows.published import open_registry
from flows.recipes import Recipe, find_recipe
from flows.render import gather_photos, render_photo_like
from flows.runs import Run, open_run
from flows.settings import Settings
from flows.stages import last_trained, recipe_of, seed_of, stage_folder, trained_as, trained_of
from flows.train import TrainedCreator, dataset_key, train_translator

SHOWN: Final = 8


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A row of the table: which parts take part, and the paper's accuracy on LFW."""

    name: str
    identity: bool
    loopback: bool
    attention: bool
    published: float

    def of(self, recipe: Recipe, epochs: int | None = None) -> Recipe:
        """The recipe with only these parts. What is left out has weight 0."""
        training = recipe.translator
        return replace(
            recipe,
            attention=self.attention,
            translator=replace(
                training,
                epochs=epochs or training.epochs,
                lambda_1=training.lambda_1 if self.identity else 0.0,
                lambda_3=training.lambda_3 if self.loopback else 0.0,
                lambda_parameter=0.0,
                warmup_epochs=0,
                # Steps without content loss would have no loss at all where it is the only one.
                full_set_period=training.full_set_period if self.identity else 0,
            ),
        )


VARIANTS: Final = (
    Variant(name="content", identity=False, loopback=False, attention=True, published=0.7880),
    Variant(name="+ identity", identity=True, loopback=False, attention=True, published=0.8843),
    Variant(name="+ loopback, no attention", identity=True, loopback=True, attention=False, published=0.8870),
    Variant(name="all", identity=True, loopback=True, attention=True, published=0.9243),
)


@flow(
    task_runner=ThreadPoolTaskRunner[Any](max_workers=64),  # type: ignore[arg-type]  # threads only wait for our workers
    validate_parameters=False,
)
def evaluate_ablation(
    settings: Settings,
    order: SetOrder,
    options: VerificationOptions,
    *,
    character: str,
    version: str | None,
    engine: EngineOrder,
    photos: Path | None,
    epochs: int | None,
    command: str,
    out: Path | None = None,
    num_workers: int | None = None,
) -> tuple[Path, dict[str, Any]]:
    """The evaluation's folder and its JSON document, translators trained where they are missing.

    ``photos`` is a folder of photos, or what ``f2p photos import`` made; without, photo-like renders are the photos.
    """
    pairs = order.open()
    recipe, seed, trained, photo_like = _networks(settings, character, version, engine)
    for variant in VARIANTS:
        variant.of(recipe, epochs).check_processes(settings, ("translator",))
    made_by: dict[str, Any] = {"recipe": recipe, "seed": seed}
    with open_run(settings, character=character, engine=engine, num_workers=num_workers, **made_by) as run:
        if version:
            refuse_other_engine(open_registry(settings).get(character, version), run.engine)
        renders = photo_like or render_photo_like(run, trained.template)
        used = gather_photos(run, trained.template, photos) if photos else renders
        variants = {
            variant.name: replace(
                trained, priors=None, translator=_train(run, variant, trained, used, renders, epochs=epochs)
            )
            for variant in VARIANTS
        }
        inputs = {
            "variants": {name: networks.hashes() for name, networks in variants.items()},
            "template": trained.template.fingerprint,
            "photos": dataset_key(used),
            "set": pairs.fingerprint,
            "options": asdict(options),
            "engine": run.record.engine,
        }
        place = Place.of(settings, character=character, verb="ablation", inputs=inputs, out=out)

        def measure() -> EvaluationPage:
            return _measure(run, variants, pairs, options, photos=used, command=command)

        return place.folder, evaluate_once(settings, place, measure)


def _networks(
    settings: Settings, character: str, version: str | None, engine: EngineOrder
) -> tuple[Recipe, int, TrainedCreator, Path | None]:
    """What stays the same in all rows, and the photo-like renders if they are there already."""
    if version:
        published = open_registry(settings).get(character, version)
        return recipe_of(published), seed_of(published), trained_as(published), None
    last = last_trained(settings, character, engine)
    return find_recipe(last.recipe), last.seed, trained_of(last), stage_folder(last, "photo-like")


def _train(
    run: Run, variant: Variant, trained: TrainedCreator, photos: Path, photo_like: Path, *, epochs: int | None
) -> Path:
    own = copy(run)  # the same record and engine, another recipe
    own.recipe = variant.of(run.recipe, epochs)
    return train_translator(
        own,
        photos=photos,
        photo_like=photo_like,
        imitator=trained.imitator,
        segmenter=trained.segmenter,
        template=trained.template,
    )


def _measure(
    run: Run,
    variants: Mapping[str, TrainedCreator],
    pairs: VerificationSet,
    options: VerificationOptions,
    *,
    photos: Path,
    command: str,
) -> EvaluationPage:
    creators = {name: open_networks(run.settings, it, run.recipe, run.schema) for name, it in variants.items()}
    template = next(iter(variants.values())).template
    described, num_framed = describe_set(creators, template, pairs, options, num_workers=run.num_workers)
    verified = {name: verify(one, pairs, options, num_framed=num_framed) for name, one in described.items()}
    judged = options.judged(next(iter(described.values())))
    accuracies = {name: one.results[judged]["PCA"].accuracy for name, one in verified.items()}
    sheet = _sheet(run, creators, variants, pairs)
    return EvaluationPage(
        verb="ablation",
        character=run.schema.character,
        title=f"What each part brings, verified on {pairs.name}",
        command=command,
        summary=", ".join(f"{name} {accuracy:.4f}" for name, accuracy in accuracies.items()),
        provenance={
            "recipe": run.recipe.name,
            "seed": run.seed,
            "engine": run.record.engine,
            "set": describe_pairs(pairs),
            "photos": photos.name,
            "translators": {name: it.hashes()["translator"] for name, it in variants.items()},
            "options": asdict(options),
            **circumstances(),
        },
        measurements={
            "accuracies": accuracies,
            "order_of_the_paper": list(accuracies.values()) == sorted(accuracies.values()),
            "results": {
                name: {kind: {at: asdict(one) for at, one in by.items()} for kind, by in found.results.items()}
                for name, found in verified.items()
            },
        },
        tables=(_table(verified, judged),),
        figures=(sheet,),
        notes=(
            "Only the translators differ: photos, imitator, segmenter, embedder, seed, steps and optimiser are the "
            "same. No row has a parameter loss or a warm-up, which the paper has not either.",
            f"{num_framed} of {len(pairs.pictures)} pictures showed no face and were cut by a fixed box.",
        ),
    )


def _table(verified: Mapping[str, Verified], judged: str) -> Table:
    def mark(takes_part: bool) -> str:
        return "✓" if takes_part else "–"

    rows = []
    for variant in VARIANTS:
        found = verified[variant.name].results[judged]
        parts = (mark(True), mark(variant.identity), mark(variant.loopback), mark(variant.attention))
        figures = (found["PCA"].accuracy, found["plain, fine grid"].accuracy, found["PCA"].auc)
        rows.append((variant.name, *parts, *(f"{figure:.4f}" for figure in figures), f"{variant.published:.4f}"))
    embedder = next(iter(verified.values())).results["embedder"]
    columns = (embedder["PCA"].accuracy, embedder["plain, fine grid"].accuracy, embedder["PCA"].auc)
    rows.append(("the embedder itself", "", "", "", "", *(f"{figure:.4f}" for figure in columns), "0.9948"))
    return Table(
        title="Verification accuracy by what takes part in training",
        header=("", "content", "identity", "loopback", "attention", "PCA", "plain, fine grid", "AUC", "paper, LFW"),
        rows=tuple(rows),
        note="The paper's column is of the full LFW protocol, another game and another embedder (002, Table 8): the "
        "order of the rows is what can be compared.",
    )


def _sheet(
    run: Run, creators: Mapping[str, Creator], variants: Mapping[str, TrainedCreator], pairs: VerificationSet
) -> Figure:
    """Photos, and below them the engine's renders of each row's characters."""
    resolution = run.recipe.resolution
    chosen = SomePictures(pairs.pictures, np.linspace(0, len(pairs.pictures) - 1, SHOWN).round().astype(np.int64))
    template = next(iter(variants.values())).template
    shown = [it.picture for it in aligned_pictures(chosen, template, resolution, framing=pairs.framing)]
    render = studio_renderer(run.engine, run.schema.character, resolution)
    rows: list[list[Picture]] = [shown]
    for creator in creators.values():
        rows.append(list(render(creator.one_shot(from_pictures(shown)).vectors.numpy())))
    return Figure(
        name="characters",
        title="Characters of each row",
        caption=f"Photos, and the engine's renders of the characters by row of the table: {', '.join(creators)}.",
        picture=np.ascontiguousarray(np.concatenate([np.concatenate(row, axis=1) for row in rows])),
    )
