"""What several tests of networks share: a photo, a template, and a small character with networks of the real kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from typing import Any

import dlib
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
import torch

from engine_bridge.schema import ContinuousParameter, DiscreteParameter, ParameterSchema
from f2p_models.checkpoints import CheckpointCard, save_checkpoint
from f2p_models.creation import Mode
from f2p_models.creator_bundle import CreatorBundle, assemble_bundle, load_draft
from f2p_models.embedders import Template, build_embedder
from f2p_models.evaluation import Evaluation, ImitatorQuality, ParameterErrors, Retrieval, SegmenterQuality
from f2p_models.evaluation.creators import CreatorQuality
from f2p_models.imitator import Imitator, ImitatorConfig
from f2p_models.segmenter import Segmenter, SegmenterConfig
from f2p_models.translator import Translator, TranslatorConfig


@dataclass(frozen=True)
class Portrait:
    """A photo (H, H, 3) uint8 with dlib's landmarks (68, 2) in pixels, as dlib gives them and as an array."""

    picture: npt.NDArray[np.uint8]
    shape: Any
    landmarks: npt.NDArray[np.float64]

    @property
    def template(self) -> Template:
        """The landmarks in fractions of the side, pixel centers at a half."""
        return (self.landmarks + 0.5) / self.picture.shape[0]

    @property
    def tensor(self) -> torch.Tensor:
        """(1, 3, H, H) in [0, 1]."""
        return torch.from_numpy(self.picture).permute(2, 0, 1)[None].float() / 255


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    """Initial weights and random inputs are the same in any order of tests."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="session")
def portrait() -> Portrait:
    """scikit-image's astronaut, a public domain photo of one person."""
    name = "shape_predictor_68_face_landmarks.dat"
    predictor_file = next(path for path in files("face_recognition_models") or () if path.name == name)
    picture = np.array(skimage.data.astronaut())
    (face,) = dlib.get_frontal_face_detector()(picture)
    shape = dlib.shape_predictor(str(predictor_file.locate()))(picture, face)
    return Portrait(picture, shape, np.array([(point.x, point.y) for point in shape.parts()], np.float64))


@pytest.fixture(scope="session")
def template() -> Template:
    """A front view that fills the middle of the picture; only the points that crops use are placed."""
    points = np.full((68, 2), 0.5)
    points[36:42] = [(0.34, 0.40), (0.37, 0.39), (0.41, 0.39), (0.44, 0.41), (0.41, 0.42), (0.37, 0.42)]
    points[42:48] = [(0.56, 0.41), (0.59, 0.39), (0.63, 0.39), (0.66, 0.40), (0.63, 0.42), (0.59, 0.42)]
    points[33] = (0.50, 0.56)
    points[[48, 54]] = [(0.42, 0.66), (0.58, 0.66)]
    return points


@pytest.fixture(scope="session")
def small_schema() -> ParameterSchema:
    def slider(name: str, group: str, minimum: float, maximum: float) -> ContinuousParameter:
        middle = (minimum + maximum) / 2
        return ContinuousParameter(
            name=name, group=group, bone=group, controller="ty", minimum=minimum, maximum=maximum, default=middle
        )

    sliders = (slider("eye.tx", "eye", -4.0, 4.0), slider("eye.ty", "eye", -3.0, 5.0))
    more = (slider("jaw.sx", "jaw", 0.8, 1.2), slider("jaw.ty", "jaw", -2.0, 2.0))
    hair = DiscreteParameter(name="hairstyle", group="hair", choices=("bald", "bob", "long"), default="bob")
    return ParameterSchema(
        character="small", title="Small head", head="small", continuous=sliders + more, discrete=(hair,)
    )


@pytest.fixture(scope="session")
def draft_folder(small_schema, template, tmp_path_factory) -> Path:
    """An unfinished bundle of randomly initialised networks, 64 px. Read it, never write to it."""
    root = tmp_path_factory.mktemp("draft")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        networks = {
            "imitator": Imitator(ImitatorConfig(vector_size=7, resolution=64, width=0.05)),
            "segmenter": Segmenter(SegmenterConfig(width=0.1, blocks=(1, 1, 1, 1), input_px=64)),
            "translator": Translator(TranslatorConfig(embedding_size=128, num_continuous=4, block_sizes=(3,))),
        }
        torch.nn.init.normal_(networks["imitator"].layers[-1].weight, std=0.1)
        for _ in range(30):  # its normalisation has to see vectors, or every vector gives one gray picture
            networks["imitator"](torch.rand(16, 7))
        torch.nn.init.normal_(networks["translator"].continuous_head.weight, std=0.05)
        torch.nn.init.normal_(networks["translator"].discrete_head.weight, std=0.05)
    for kind, network in networks.items():
        fingerprint = None if kind == "segmenter" else small_schema.fingerprint
        card = CheckpointCard(
            kind=kind, character="small", schema_fingerprint=fingerprint, recipe="test", code_version="0", epoch=1
        )
        save_checkpoint(root / kind, network, card)
    checkpoints = {kind: root / kind for kind in networks}
    embedder = build_embedder("dlib", template)
    folder = root / "bundle"
    assemble_bundle(folder, checkpoints=checkpoints, schema=small_schema, template=template, embedder=embedder)
    return folder


@pytest.fixture(scope="session")
def small_bundle(draft_folder) -> CreatorBundle:
    """The networks of :func:`draft_folder`, frozen, on the CPU."""
    return load_draft(draft_folder, device=torch.device("cpu"))


@pytest.fixture(scope="session")
def photos() -> torch.Tensor:
    """Five aligned 'photos' (5, 3, 64, 64) in [0, 1]: smooth noise, each another person to the networks."""
    coarse = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(11))
    return torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic").clamp(0.0, 1.0)


@pytest.fixture(scope="session")
def evaluation(small_schema) -> Evaluation:
    """An evaluation with made-up figures, of two modes."""

    def quality(mode: Mode, top1: float) -> CreatorQuality:
        retrieval = Retrieval(
            num_photos=50, top1=top1, top10=0.9, median_rank=1.0, mean_reciprocal_rank=top1 + 0.1,
            own_similarity=0.6, others_similarity=0.1, verification_auc=0.97,
        )  # fmt: skip
        parameters = ParameterErrors(
            slider_error=0.06,
            constant_error=0.11,
            group_errors={"eye": (0.05, 0.10), "jaw": (0.07, 0.12)},
            choice_accuracy={"hairstyle": (0.5, 0.4)},
        )
        return CreatorQuality(
            mode=mode, retrieval=retrieval, ceiling=retrieval, parameters=parameters, imitated_similarity=0.7
        )

    return Evaluation(
        character="small",
        fingerprint=small_schema.fingerprint,
        heldout="set",
        judged_mode="hybrid",
        imitator=ImitatorQuality(num_pairs=80, l1=0.012, psnr_db=28.0, ssim=0.9, constant_l1=0.024),
        segmenter=SegmenterQuality(
            num_pairs=80,
            pixel_accuracy=0.95,
            mean_iou=0.6,
            part_iou={"nose": 0.8},
            constant_accuracy=0.9,
            constant_mean_iou=0.4,
        ),
        creators={"hybrid": quality("hybrid", 0.62), "one-shot": quality("one-shot", 0.2)},
    )
