"""A creator of random weights with an engine that draws stripes: what is measured is not its quality."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from engine_bridge.characters import load_schema
from engine_bridge.frames import Frame, Picture, RenderRequest
from engine_bridge.schema import ParameterSchema
from f2p_datasets.alignment import AlignmentTemplate
from f2p_datasets.detection import FaceDetector
from f2p_models.creation import Creator
from f2p_models.creator_bundle import CreatorBundle
from f2p_models.embedders import build_embedder
from f2p_models.imitator import Imitator, ImitatorConfig
from f2p_models.segmenter import Segmenter, SegmenterConfig
from f2p_models.translator import Translator, TranslatorConfig
from flows.evaluations.subject import Subject
from flows.recipes import smoke

RESOLUTION = 64


class StripeEngine:
    """Pictures whose columns are the vector's entries."""

    name, build = "stripes", "1"
    scene_fields = frozenset[str]()

    def __init__(self, schema: ParameterSchema) -> None:
        self.schema = schema

    def describe(self, character: str) -> ParameterSchema:
        return self.schema

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        return [self._frame(request) for request in requests]

    def _frame(self, request: RenderRequest) -> Frame:
        side = request.resolution
        line = np.resize((request.vector * 255).astype(np.uint8), side)
        picture = np.broadcast_to(line[None, :, None], (side, side, 3)).copy()
        picture[: side // 2] //= 2
        mask = np.broadcast_to((np.arange(side) % 11).astype(np.uint8)[None], (side, side)).copy()
        return Frame(request_id=request.request_id, frame_id=1, vector=request.vector, picture=picture, mask=mask)

    def close(self) -> None: ...


@pytest.fixture(scope="session")
def astronaut() -> Picture:
    """A real photo (512, 512, 3): public domain, ships with scikit-image."""
    return np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def template(astronaut: Picture) -> AlignmentTemplate:
    """As if the average face were the astronaut's."""
    return AlignmentTemplate((FaceDetector().detect(astronaut)[0].landmarks + 0.5) / 512)


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="session")
def creator(template: AlignmentTemplate) -> Creator:
    schema = load_schema("tiny")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        translator = Translator(
            TranslatorConfig(
                embedding_size=128,
                num_continuous=schema.num_continuous,
                block_sizes=tuple(len(choice.choices) for choice in schema.discrete),
            )
        )
        for head in (translator.continuous_head, translator.discrete_head):
            assert head is not None
            torch.nn.init.normal_(head.weight)  # an untrained one answers the average face to everybody
        bundle = CreatorBundle(
            schema=schema,
            template=template.points,
            imitator=Imitator(ImitatorConfig(vector_size=schema.vector_size, resolution=RESOLUTION, width=0.05)),
            segmenter=Segmenter(SegmenterConfig(width=0.05, input_px=RESOLUTION)),
            translator=translator,
            embedder=build_embedder("dlib", template.points),
            device=torch.device("cpu"),
        )
    return Creator(bundle, smoke().search)


@pytest.fixture
def subject(creator: Creator, template: AlignmentTemplate) -> Subject:
    return Subject(
        creator=creator,
        template=template,
        engine=StripeEngine(creator.bundle.schema),
        recipe=smoke(),
        seed=0,
        origin="version 1",
        hashes={"translator": "t", "imitator": "i"},
    )


@pytest.fixture
def crops_file(tmp_path: Path, astronaut: Picture) -> Path:
    """Twelve pairs in insightface's format: the astronaut seen a little otherwise, or beside a picture of noise."""
    generator = np.random.Generator(np.random.Philox(1))
    pictures, flags = [], []
    for pair in range(12):
        face = np.clip(astronaut[40:240, 120:320].astype(int) + 2 * pair, 0, 255).astype(np.uint8)
        other = face if pair % 2 == 0 else generator.integers(0, 256, (112, 112, 3), np.uint8)
        for picture in (face, other):
            buffer = io.BytesIO()
            Image.fromarray(picture).resize((112, 112)).save(buffer, "JPEG")
            pictures.append(buffer.getvalue())
        flags.append(pair % 2 == 0)
    file = tmp_path / "faces.bin"
    file.write_bytes(pickle.dumps((pictures, flags), 3))
    return file
