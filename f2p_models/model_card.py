"""The model card of a version: what it is, how good, made of what, and what not to use it for. Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine_bridge.schema import ParameterSchema
from f2p_models.checkpoints import CheckpointCard, read_card
from f2p_models.evaluation import Evaluation
from f2p_models.export import ParityReport

CARD_NAME: Final = "model_card.md"

_EMBEDDER_LICENSES: Final = {
    "dlib": "dlib's face recognition network, CC0 1.0; trained by its author on some 3 million public photos",
    "lightcnn": "LightCNN-29v2, MIT for the code; the weights come from its authors, whose terms apply",
}


@dataclass(frozen=True, kw_only=True)
class CardPicture:
    """A picture of the card: ``path`` relative to the bundle."""

    title: str
    path: str


def write_model_card(
    folder: Path,
    *,
    schema: ParameterSchema,
    embedder: str,
    evaluation: Evaluation,
    parents: Mapping[str, str],
    exports: Sequence[ParityReport] = (),
    pictures: Sequence[CardPicture] = (),
) -> Path:
    """Write ``model_card.md`` into a bundle that holds its checkpoints and pictures. Returns its path."""
    sections = [
        _heading(schema, evaluation),
        _pictures(folder, pictures),
        _creators_section(evaluation),
        _parameters_section(evaluation),
        _networks_section(evaluation, exports),
        _use_section(),
        _training_section(
            {kind: read_card(folder / kind) for kind in ("imitator", "segmenter", "translator")}, parents
        ),
        _license_section(embedder),
    ]
    path = folder / CARD_NAME
    path.write_text("\n\n".join(filter(None, sections)) + "\n", encoding="utf-8")
    return path


def _heading(schema: ParameterSchema, evaluation: Evaluation) -> str:
    discrete = f" and {len(schema.discrete)} choices" if schema.discrete else ""
    return (
        f"# Creator for {schema.title}\n\n"
        f"Turns a photo of a face into the parameters of the character type `{schema.character}`: "
        f"{schema.num_continuous} sliders{discrete}, a vector of {schema.vector_size} entries "
        f"(schema `{schema.fingerprint}`). Score **{evaluation.score:.3f}** in {evaluation.judged_mode} mode on the "
        f"held-out set `{evaluation.heldout}`."
    )


def _pictures(folder: Path, pictures: Sequence[CardPicture]) -> str:
    return "\n\n".join(
        f"![{picture.title}]({picture.path})" for picture in pictures if (folder / picture.path).is_file()
    )


def _creators_section(evaluation: Evaluation) -> str:
    modes = evaluation.creators
    rows = {
        "own photo nearest (top 1)": [f"{q.retrieval.top1:.0%}" for q in modes.values()],
        "own photo among the nearest 10": [f"{q.retrieval.top10:.0%}" for q in modes.values()],
        "median rank": [f"{q.retrieval.median_rank:g}" for q in modes.values()],
        "top 1 of the true parameters (ceiling)": [f"{q.ceiling.top1:.0%}" for q in modes.values()],
        "similarity to the own photo": [f"{q.retrieval.own_similarity:.3f}" for q in modes.values()],
        "similarity to other photos": [f"{q.retrieval.others_similarity:.3f}" for q in modes.values()],
        "own similarity as the imitator saw it": [f"{q.imitated_similarity:.3f}" for q in modes.values()],
        "slider error": [f"{q.parameters.slider_error:.4f}" for q in modes.values()],
        "slider error of the mean vector": [f"{q.parameters.constant_error:.4f}" for q in modes.values()],
        "**score**": [f"**{q.score:.3f}**" for q in modes.values()],
    }
    num_photos = evaluation.creators[evaluation.judged_mode].retrieval.num_photos
    return (
        "## Likeness\n\n"
        f"{num_photos} held-out photo-like renders; characters are judged on the *engine's* render of the created "
        f"parameters by the embedder's similarity. Chance for top 1 is {1 / num_photos:.0%}.\n\n"
        + _table(["", *modes], ([name, *cells] for name, cells in rows.items()))
    )


def _parameters_section(evaluation: Evaluation) -> str:
    errors = evaluation.creators[evaluation.judged_mode].parameters
    groups = [[group, f"{own:.4f}", f"{constant:.4f}"] for group, (own, constant) in errors.group_errors.items()]
    choices = [[name, f"{own:.0%}", f"{constant:.0%}"] for name, (own, constant) in errors.choice_accuracy.items()]
    tables = [_table(["sliders", "error", "of the mean vector"], groups)]
    if choices:
        tables.append(_table(["choice", "right", "most frequent choice"], choices))
    intro = f"In {evaluation.judged_mode} mode, as shares of the sliders' ranges."
    return "\n\n".join(["## Parameters", intro, *tables])


def _networks_section(evaluation: Evaluation, exports: Sequence[ParityReport]) -> str:
    imitator, segmenter = evaluation.imitator, evaluation.segmenter
    rows = [
        ["imitator L1", f"{imitator.l1:.4f}, {imitator.l1_ratio:.2f} of the best constant picture's"],
        ["imitator PSNR, SSIM", f"{imitator.psnr_db:.1f} dB, {imitator.ssim:.3f}"],
        [
            "segmenter pixel accuracy",
            f"{segmenter.pixel_accuracy:.3f}, a constant mask's {segmenter.constant_accuracy:.3f}",
        ],
        ["segmenter mean IoU", f"{segmenter.mean_iou:.3f}, a constant mask's {segmenter.constant_mean_iou:.3f}"],
        *([f"IoU {part}", f"{iou:.3f}"] for part, iou in segmenter.part_iou.items()),
        *([f"ONNX {report.path.name}", f"within {report.max_abs_difference:.1e}"] for report in exports),
    ]
    pairs = f"{imitator.num_pairs} and {segmenter.num_pairs} held-out renders."
    return "\n\n".join(["## Networks", pairs, _table(["", ""], rows)])


def _use_section() -> str:
    return (
        "## Intended use\n\n"
        "A first draft of a game character that its player then fine-tunes. One face per photo, best a sharp front "
        "view; turned or small faces are served by one-shot mode.\n\n"
        "Not for recognising, verifying or classifying people: parameters are chosen for looks, and the networks "
        "inherit whatever their training data favours.\n\n"
        "## Limits\n\n"
        "- The figures above are for renders made to look like photos. Real photos differ more from the engine's "
        "pictures, and likeness on them has to be looked at.\n"
        "- Expressions, glasses, hats and hands are explained with sliders, because the rig has nothing else.\n"
        "- A character can only be as alike as the rig's range allows.\n"
        "- With the mock engine the figures say that the pipeline works, nothing about a game's engine."
    )


def _training_section(cards: Mapping[str, CheckpointCard], parents: Mapping[str, str]) -> str:
    rows = [
        [
            kind,
            card.recipe,
            str(card.epoch),
            ", ".join(f"`{name}`" for name in card.datasets) or "-",
            f"`{card.weights_sha256[:12]}`",
        ]
        for kind, card in cards.items()
    ]
    lineage = "\n".join(f"- {role}: `{name}`" for role, name in sorted(parents.items()))
    intro = "Rendered by the engine that the datasets' manifests name, unless a folder of photos is listed."
    return "\n\n".join(
        [
            "## Training data and lineage",
            intro,
            _table(["network", "recipe", "epochs", "datasets", "weights"], rows),
            lineage,
        ]
    )


def _license_section(embedder: str) -> str:
    return (
        "## Licences\n\n"
        "- The networks of this version belong to whoever trained them; f2p itself is Apache-2.0.\n"
        f"- Embedder: {_EMBEDDER_LICENSES.get(embedder, embedder)}.\n"
        "- Alignment uses dlib's 68-point landmark model, trained on iBUG 300-W, whose licence **excludes commercial "
        "use**: replace the landmark model, or ask Imperial College London, before using alignment in a product."
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
