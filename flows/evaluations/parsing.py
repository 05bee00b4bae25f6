"""``f2p evaluate parsing``: does the segmenter see on photos what people labelled there?

set -> photos found and aligned -> parts -> back into the photo's own pixels -> the labels' classes -> IoU

A segmenter can be judged as soon as it is trained: imitator and translator need not exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from engine_bridge.errors import InputError
from engine_bridge.frames import Mask, Picture
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.errors import PhotoError
from f2p_datasets.parsing import AlignedLabels, ParsingSet, align_labelled
from f2p_models.checkpoints import CheckpointCard, load_segmenter
from f2p_models.devices import choose_device
from f2p_models.evaluation.parsing import Counts, ParsingQuality, count_pixels, judge_parsing, rank_worst
from f2p_models.pictures import from_pictures
from f2p_models.segmenter import Segmenter
from flows.evaluations.hardware import circumstances
from flows.evaluations.page import Cell, EvaluationPage, Figure, Place, Table, evaluate_once
from flows.layout import CHECKPOINT
from flows.planning.dataset_plans import TEMPLATE_FILE
from flows.progress import ProgressBar
from flows.published import open_registry
from flows.run_records import list_runs, read_run
from flows.settings import Settings

#: Photos are aligned at this size, and parts answered at it; the segmenter reduces them to its own.
FRAME_PX: Final = 512
WORST: Final = 8
SHOWN_HEIGHT_PX: Final = 220


@dataclass(frozen=True, kw_only=True)
class Parser:
    """A segmenter under evaluation, and the frame its pictures are aligned to. ``origin``: ``version 3``, or a run."""

    segmenter: Segmenter
    card: CheckpointCard
    template: AlignmentTemplate
    origin: str

    def parts(self, picture: Picture) -> Mask:
        """Part ids (H, H) of an aligned picture (H, H, 3)."""
        device = next(self.segmenter.parameters()).device
        parts: Mask = self.segmenter.parts(from_pictures([picture]).to(device), picture.shape[0])[0].cpu().numpy()
        return parts


@dataclass(frozen=True, kw_only=True)
class ParsedPhoto:
    """A photo, its labels and the answer in their classes (H, W); ``inner`` counts only within the face's outline."""

    name: str
    picture: Picture
    label: Mask
    answer: Mask
    counts: Counts
    inner: Counts | None


def evaluate_parsing(
    settings: Settings, parser: Parser, labelled: ParsingSet, *, command: str, out: Path | None = None
) -> tuple[Path, dict[str, Any]]:
    """The evaluation's folder and its JSON document, found or made."""
    inputs = {
        "segmenter": parser.card.weights_sha256,
        "template": parser.template.fingerprint,
        "set": [labelled.format.name, labelled.sha256],
        "frame_px": FRAME_PX,
    }
    place = Place.of(settings, character=parser.card.character, verb="parsing", inputs=inputs, out=out)

    def measure() -> EvaluationPage:
        photos, unseen = parse_photos(parser, labelled)
        return _page(parser, labelled, photos, unseen, command=command)

    return place.folder, evaluate_once(settings, place, measure)


def open_parser(settings: Settings, character: str, version: str | None = None) -> Parser:
    """The segmenter of a published version (a number or ``champion``), or of the last run that trained one.

    Raises InputError when there is none.
    """
    if version:
        published = open_registry(settings).get(character, version)
        template = AlignmentTemplate.load(published.folder / TEMPLATE_FILE)
        return _open(published.folder / "segmenter", template, f"version {published.version}")
    for run_id in reversed(list_runs(settings)):
        record = read_run(settings, run_id)
        segmenter, template_folder = record.folder_of("segmenter"), record.folder_of("template")
        if record.character == character and segmenter and template_folder:
            template = AlignmentTemplate.load(template_folder / TEMPLATE_FILE)
            return _open(segmenter / CHECKPOINT, template, f"run {run_id}")
    raise InputError(f"{character}: no run has trained its segmenter yet; start: f2p train segmenter -c {character}")


def parse_photos(parser: Parser, labelled: ParsingSet) -> tuple[list[ParsedPhoto], list[str]]:
    """Every photo with a face, and why the others were left out. Raises InputError when none is left."""
    unseen: list[str] = []
    with ProgressBar("Parse photos") as bar:
        bar.start(len(labelled.photos))
        photos = list(_parse_all(parser, labelled, unseen, bar))
    if not photos:
        raise InputError(f"{labelled.root}: no photo can be judged; the first: {unseen[0]}")
    return photos, unseen


def _parse_all(parser: Parser, labelled: ParsingSet, unseen: list[str], bar: ProgressBar) -> Iterator[ParsedPhoto]:
    for photo in labelled.photos:
        try:
            yield _parse(parser, labelled, align_labelled(labelled, photo, parser.template, FRAME_PX))
        except PhotoError as error:
            unseen.append(str(error))
        bar.advance()


def _parse(parser: Parser, labelled: ParsingSet, aligned: AlignedLabels) -> ParsedPhoto:
    scheme = labelled.scheme
    answer = scheme.say(aligned.in_photo(parser.parts(aligned.face.picture)))
    num_classes, skin = len(scheme.names), scheme.wide_skin
    return ParsedPhoto(
        name=aligned.photo.photo,
        picture=aligned.picture,
        label=aligned.mask,
        answer=answer,
        counts=count_pixels(answer, aligned.mask, num_classes),
        inner=None if skin is None else count_pixels(answer, aligned.within_jaw(skin), num_classes),
    )


def _open(folder: Path, template: AlignmentTemplate, origin: str) -> Parser:
    segmenter, card = load_segmenter(folder)
    return Parser(segmenter=segmenter.to(choose_device()), card=card, template=template, origin=origin)


def _page(
    parser: Parser, labelled: ParsingSet, photos: list[ParsedPhoto], unseen: list[str], *, command: str
) -> EvaluationPage:
    names = labelled.scheme.names
    quality = judge_parsing([photo.counts for photo in photos], names)
    inner = [photo.inner for photo in photos if photo.inner is not None]
    within = judge_parsing(inner, names) if inner else None
    worst = [photos[number] for number in rank_worst([photo.counts for photo in photos])[:WORST]]
    title = f"Face parsing on {labelled.format.title}" + (f", {labelled.partition}" if labelled.partition else "")
    return EvaluationPage(
        verb="parsing",
        character=parser.card.character,
        title=title,
        command=command,
        summary=f"mIoU {quality.mean_iou:.3f}, pixel accuracy {quality.pixel_accuracy:.3f} in {labelled.scheme.name}",
        provenance=_provenance(parser, labelled),
        measurements={
            "quality": asdict(quality),
            "within_jaw": asdict(within) if within else None,
            "photos": {photo.name: judge_parsing([photo.counts], names).mean_iou for photo in photos},
            "left_out": unseen,
        },
        tables=(_table(quality, within),),
        figures=(draw_worst(labelled, worst),),
        notes=_notes(labelled, photos, unseen),
    )


def _provenance(parser: Parser, labelled: ParsingSet) -> Mapping[str, Any]:
    return {
        "segmenter": parser.origin,
        "recipe": parser.card.recipe,
        "architecture": parser.card.architecture,
        "trained_on": list(parser.card.datasets),
        "set": {"format": labelled.format.name, "partition": labelled.partition, "sha256": labelled.sha256},
        **circumstances(),
    }


def _table(quality: ParsingQuality, within: ParsingQuality | None) -> Table:
    columns = [("all pixels", quality)] + ([("without neck and ears", within)] if within else [])
    rows: list[tuple[Cell, ...]] = [("mIoU", *(judged.mean_iou for _, judged in columns))]
    rows.append(("pixel accuracy", *(judged.pixel_accuracy for _, judged in columns)))
    rows += [(f"IoU {name}", *(judged.class_iou.get(name) for _, judged in columns)) for name in quality.class_iou]
    return Table(
        title="Intersection over union by class",
        header=("", *(title for title, _ in columns)),
        rows=tuple(rows),
        note=f"{quality.num_photos} photos",
    )


def draw_worst(labelled: ParsingSet, photos: list[ParsedPhoto]) -> Figure:
    """The worst photos from left to right: photo, label, answer."""
    paint = labelled.scheme.paint
    columns = [
        np.vstack([_shown(pixels) for pixels in (photo.picture, paint(photo.label), paint(photo.answer))])
        for photo in photos
    ]
    return Figure(
        name="worst",
        title="The worst photos",
        caption="From above: photo, label, answer; the lowest mean IoU on the left. Black is not judged.",
        picture=np.hstack(columns),
    )


def _shown(pixels: Picture) -> Picture:
    width = max(1, round(pixels.shape[1] * SHOWN_HEIGHT_PX / pixels.shape[0]))
    return np.asarray(cv2.resize(pixels, (width, SHOWN_HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8)


def _notes(labelled: ParsingSet, photos: list[ParsedPhoto], unseen: list[str]) -> list[str]:
    notes = [
        "Photos go through the product's own alignment; the answer is brought back into each photo's pixels, so the "
        "labels are never resampled. Pixels that the frame does not reach are not judged.",
    ]
    if labelled.scheme.wide_skin is not None:
        notes.append(
            f"{labelled.format.title}'s skin goes on over ears and neck, which the segmenter's classes (Helen's) call "
            "background: in the first column that counts as wrong. The second leaves out skin beyond the detector's "
            "jaw line."
        )
    if unseen:
        notes.append(f"{len(unseen)} of {len(unseen) + len(photos)} photos were left out: {'; '.join(unseen[:3])}")
    return notes
