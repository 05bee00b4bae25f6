"""The steps of a plan: each one's target, whether it is there, why not, and what it will cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.collections import open_for_training
from f2p_datasets.durable import sha256_of
from f2p_datasets.parsing import ParsingSet
from f2p_datasets.provenance import Provenance
from f2p_models.embedders import build_embedder
from f2p_models.priors import PRIORS_FILE
from flows.evaluate import evaluation_target
from flows.gates.rescoring import (
    CHAMPION_PHOTOS,
    CHAMPION_PHOTOS_TITLE,
    RESCORING,
    champions_to_plan,
    rescoring_target,
)
from flows.layout import CHECKPOINT, HELDOUT_PHOTOS, PARSING, PHOTO_LIKE, PHOTOS, STUDIO, TEMPLATE
from flows.photos.imported import is_imported, open_imported
from flows.planning.dataset_plans import (
    HELDOUT_PX,
    TEMPLATE_FILE,
    TITLES,
    dataset_target,
    heldout_photos_plan,
    inputs_of,
    labelled_plan,
    pairs_there,
    photo_set_plan,
    template_target,
)
from flows.planning.estimates import NOTHING, Estimate, Estimator
from flows.planning.reasons import describe_changes, in_words, shorten
from flows.planning.training_plans import (
    adaptation_inputs,
    imitator_inputs,
    network_target,
    segmenter_inputs,
    translator_inputs,
)
from flows.priors.fitting import prior_photos, priors_target
from flows.publish import version_target
from flows.run_records import RunRecord, StepRecord, past_runs
from flows.targets import Order, Target
from flows.train import checkpoint_hash


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """A step of a run that has not begun.

    key, folder  None as long as they depend on what is not there yet
    reason       why it is to be done; empty when it is done already
    pairs        to be rendered or aligned
    """

    title: str
    stage: str
    key: str | None
    folder: Path | None
    cached: bool
    reason: str = ""
    pairs: int = 0
    estimate: Estimate = NOTHING


class StepPlanner:
    """One step after the other, in ``planned``; each method answers the key or hash of its output, or None."""

    def __init__(self, order: Order) -> None:
        self.planned: list[PlannedStep] = []
        self._order = order
        records = past_runs(order.settings)
        self._history = [record for record in records if record.character == order.schema.character]
        self._estimator = Estimator(order, records)
        self._stages: dict[str, str] = {}  # by the key or hash of their output
        self._unknown: set[str] = set()  # stages whose output has no key or hash yet
        self._counts: dict[str, int] = {}

    def dataset(self, stage: str, provenance: Provenance | None, count: int = 0) -> str | None:
        """Pairs; ``count`` are expected of a dataset that nothing more is known of."""
        resolution = HELDOUT_PX if stage == HELDOUT_PHOTOS else self._order.recipe.photo_resolution
        if provenance is None:
            self._counts[stage] = count
            estimate = self._estimator.dataset(stage, count, resolution)
            self._follow(stage, TITLES[stage], (TEMPLATE,), estimate, pairs=count)
            return None
        self._counts[stage] = provenance.count
        target = dataset_target(self._order, provenance, stage, TITLES[stage])
        defect = target.defect()
        missing = 0 if defect is None else provenance.count - pairs_there(target)
        self._add(target, defect, self._estimator.dataset(stage, missing, provenance.resolution), pairs=missing)
        return target.key

    def template(self) -> AlignmentTemplate | None:
        """The template itself."""
        target = template_target(self._order)
        if self._look(target, self._estimator.other(TEMPLATE)):
            found = AlignmentTemplate.load(target.folder / TEMPLATE_FILE)
            self._stages[found.fingerprint] = TEMPLATE
            return found
        self._unknown.add(TEMPLATE)
        return None

    def photos(self, template: AlignmentTemplate | None, photos: Path) -> str | None:
        """The user's photos; all of them are read, because they have no other name than their content."""
        if template is None:
            count = 0 if is_imported(photos) else len(open_for_training(photos).records)
            return self.dataset(PHOTOS, None, count)
        if is_imported(photos):
            return self._imported(template, photos.resolve())
        return self.dataset(PHOTOS, photo_set_plan(self._order, template, photos).provenance())

    def _imported(self, template: AlignmentTemplate, folder: Path) -> str:
        order = self._order
        manifest = open_imported(folder, order.schema.character, template, order.recipe.resolution)
        self._counts[PHOTOS] = manifest.provenance.count
        target = Target(
            title="Check the imported photos",
            stage=PHOTOS,
            key=manifest.key,
            folder=folder,
            inputs=inputs_of(manifest.provenance),
            verify=lambda: None,  # it has just been
        )
        self._look(target, NOTHING)
        return manifest.key

    def imitator(self, studio: str) -> str | None:
        target = network_target(self._order, "imitator", imitator_inputs(self._order, studio))
        return self._network("imitator", target, self._counts[STUDIO], ())

    def segmenter(
        self, studio: str, photo_like: str | None, template: AlignmentTemplate | None, labelled: ParsingSet | None
    ) -> str | None:
        """The segmenter, once it has gone on with labelled photos if there are any."""
        count = self._counts[STUDIO] + self._counts[PHOTO_LIKE]
        inputs = segmenter_inputs(self._order, [studio, photo_like]) if photo_like else None
        target = network_target(self._order, "segmenter", inputs) if inputs else None
        trained = self._network("segmenter", target, count, (PHOTO_LIKE,))
        if labelled is None:
            return trained
        provenance = labelled_plan(self._order, template, labelled).provenance() if template else None
        masked = self.dataset(PARSING, provenance, len(labelled.photos))
        target = None
        if photo_like and masked and trained:
            config = self._order.recipe.segmenter_config()
            inputs = adaptation_inputs(self._order, config, [photo_like, masked], trained)
            target = network_target(self._order, "segmenter", inputs)
        count = self._counts[PHOTO_LIKE] + self._counts[PARSING]
        return self._network("segmenter", target, count, ("segmenter", PARSING))

    def translator(
        self,
        template: AlignmentTemplate | None,
        photos: str | None,
        photo_like: str | None,
        imitator: str | None,
        segmenter: str | None,
    ) -> str | None:
        order, target = self._order, None
        if template and photos and photo_like and imitator and segmenter:
            embedder = build_embedder(order.recipe.embedder, template.points, order.settings.lightcnn_weights)
            renders = [] if photos == photo_like else [photo_like]
            parents = {"imitator": imitator, "segmenter": segmenter}
            inputs = translator_inputs(order, embedder, template, photos=photos, renders=renders, parents=parents)
            target = network_target(order, "translator", inputs)
        count = self._counts.get(PHOTOS, self._counts[PHOTO_LIKE])
        return self._network("translator", target, count, ("imitator", "segmenter", PHOTOS, PHOTO_LIKE))

    def priors(
        self, template: AlignmentTemplate | None, translator: str | None, photos: str | None, photo_like: str | None
    ) -> str | None:
        config, estimate = self._order.recipe.priors, self._estimator.other("priors")
        if not (config and template and translator and photos and photo_like):
            self._follow("priors", "Fit the facial priors", ("translator",), estimate)
            return None
        target = priors_target(self._order, config, translator, template, prior_photos(photos, photo_like))
        if not self._look(target, estimate):
            self._unknown.add("priors")
            return None
        return self._known("priors", sha256_of(target.folder / PRIORS_FILE))

    def evaluation(
        self,
        template: AlignmentTemplate | None,
        networks: dict[str, str] | None,
        datasets: Sequence[str | None],
    ) -> Target | None:
        """The target of the evaluation: its folder's name is a part of the version's."""
        keys, estimate = [key for key in datasets if key], self._estimator.other("evaluation")
        if template is None or networks is None:
            self._follow("evaluation", "Evaluate", ("imitator", "segmenter", "translator", "priors"), estimate)
            return None
        target = evaluation_target(self._order, networks, template, keys)
        self._look(target, estimate)
        return target

    def version(
        self, template: AlignmentTemplate | None, networks: dict[str, str] | None, evaluation: Target | None
    ) -> None:
        """The version, after the champions that it is to be compared with."""
        estimate = self._estimator.other("version")
        if template is None or networks is None or evaluation is None:
            self._champions(template)
            self._follow("version", "Publish", ("evaluation",), estimate)
            return
        target = version_target(self._order, networks, template, evaluation.folder.name)
        defect = target.defect()
        if defect is not None:
            self._champions(template)
        self._add(target, defect, estimate)

    def _champions(self, template: AlignmentTemplate | None) -> None:
        """Those that have to be scored anew, because the engine has changed and with it the held-out set."""
        for champion, own in champions_to_plan(self._order, template):
            photos = heldout_photos_plan(self._order, own).provenance(self._order.engine)
            if template is None or template.fingerprint != own.fingerprint:
                self._photos_of_champion(photos)
            self._look(rescoring_target(self._order, champion, photos.key), self._estimator.other(RESCORING))

    def _photos_of_champion(self, photos: Provenance) -> None:
        """Once for all champions that align photos alike."""
        target = dataset_target(self._order, photos, CHAMPION_PHOTOS, CHAMPION_PHOTOS_TITLE)
        if target.folder in {step.folder for step in self.planned}:
            return
        defect = target.defect()
        missing = 0 if defect is None else photos.count - pairs_there(target)
        self._add(target, defect, self._estimator.dataset(HELDOUT_PHOTOS, missing, photos.resolution), pairs=missing)

    def _network(self, stage: str, target: Target | None, num_pairs: int, needs: Sequence[str]) -> str | None:
        estimate = self._estimator.training(stage, num_pairs)
        if target is None:
            self._follow(stage, f"Train the {stage}", needs, estimate)
            return None
        if not self._look(target, estimate):
            self._unknown.add(stage)
            return None
        return self._known(stage, checkpoint_hash(target.folder / CHECKPOINT))

    def _known(self, stage: str, output: str) -> str:
        self._stages[output] = stage
        return output

    def _look(self, target: Target, estimate: Estimate) -> bool:
        """Put the step on the plan. Whether it is done already."""
        defect = target.defect()
        self._add(target, defect, estimate)
        return defect is None

    def _add(self, target: Target, defect: str | None, estimate: Estimate, *, pairs: int = 0) -> None:
        self._stages[target.key] = target.stage
        self.planned.append(
            PlannedStep(
                title=target.title,
                stage=target.stage,
                key=target.key,
                folder=target.folder,
                cached=defect is None,
                reason="" if defect is None else self._why(target, defect),
                pairs=pairs,
                estimate=NOTHING if defect is None else estimate,
            )
        )

    def _follow(self, stage: str, title: str, needs: Sequence[str], estimate: Estimate, *, pairs: int = 0) -> None:
        """Put a step on the plan that has no key yet, because what it needs has none."""
        reason = f"follows from {in_words([need for need in needs if need in self._unknown])}"
        self._unknown.add(stage)
        step = PlannedStep(
            title=title, stage=stage, key=None, folder=None, cached=False, reason=reason, pairs=pairs, estimate=estimate
        )
        self.planned.append(step)

    def _why(self, target: Target, defect: str) -> str:
        """Against the last time that the stage was done for this character."""
        begun = target.folder.is_dir() and any(target.folder.iterdir())
        last = self._last(target)
        if last is None:
            return "begun, not finished" if begun else "new"
        record, step = last
        if step.key == target.key:
            return f"does not verify: {defect}" if begun else "its output is gone"
        if not step.inputs:
            return "its inputs or its code changed"
        recipes = record.recipe, self._order.recipe.name
        reasons = describe_changes(step.inputs, target.inputs, stages=self._stages, recipes=recipes)
        return shorten(reasons) or "its code changed"

    def _last(self, target: Target) -> tuple[RunRecord, StepRecord] | None:
        """The latest step of the stage, by preference of the same recipe, and shaped by inputs of the same names."""
        found = [(record, step) for record in self._history for step in record.steps if step.stage == target.stage]
        names, recipe = set(target.inputs), self._order.recipe.name
        return min(found, key=lambda one: (one[0].recipe != recipe, set(one[1].inputs) != names), default=None)
