"""The recogniser among the judges: HSE's MobileNet, trained on VGGFace2 (Savchenko 2019), 224 x 224 -> 1024 numbers.

B   batch
D   embedding, 1024

    pictures (B, 3, H, H) in [0, 1] -> crops (B, 3, 224, 224), B G R less their means -> 27 convolutions -> (B, 1024)

Known as ``faceres`` in npm's @vladmandic/human; :mod:`infra.judges` installs it. It shares nothing with dlib's network
but the task: other architecture, photos, loss, colours and crop.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from f2p_models.boundaries import check_pictures
from f2p_models.embedders.protocol import Template
from f2p_models.judges.crop import face_crop
from f2p_models.judges.files import WeightFiles
from f2p_models.judges.graph import GraphNetwork
from f2p_models.judges.protocol import Provenance
from f2p_models.judges.tfjs import read_tfjs

EMBEDDING_SIZE: Final = 1024
CROP_PX: Final = 224
FACE_SCALE: Final = 0.8
#: Mean cosine of 70 different people of LFW: embeddings come out of a ReLU, so all of them lie in one corner.
STRANGERS_COSINE: Final = 0.37
FILES: Final = WeightFiles(
    names=("faceres.json", "faceres.bin"),
    sha256="1028a60eeb7af9949dcf2123a1dd2335f72a3f97365c002c1b2bbc9c03123422",
)
#: Taken away from B G R of 0..255 (Keras' "caffe" preprocessing), as the authors' facial_analysis.py does.
_MEAN_BGR: Final = (103.939, 116.779, 123.68)
_OUTPUT: Final = "global_pooling/Mean"


class FaceRes(nn.Module):
    """A :class:`Judge`; ``template`` is (68, 2) in fractions of the side of the pictures it will see.

    Raises WeightsError when ``folder`` does not hold the files of :data:`FILES`, whole.
    """

    name = "faceres"
    judges = "identity"
    embedding_size = EMBEDDING_SIZE
    mean: Tensor

    def __init__(self, folder: Path, template: Template) -> None:
        super().__init__()
        self.provenance = Provenance(
            source="npm @vladmandic/human 3.3.6, models/faceres; from av-savchenko/HSE_FaceRec_tf",
            licence="MIT, as the npm package says; the authors' repository states none",
            trained_on="VGGFace2, a research data set, for face identification",
            sha256=FILES.verify(folder),
            credential="70 people of LFW's peopleDevTrain, two photos each at 128 px: AUC 0.9966, the other photo "
            "first for 95.7 %; 48 held-out photo-like renders: the true character's studio render "
            "finds its own 48 times",
        )
        self.network = GraphNetwork(read_tfjs(folder / FILES.names[0], _OUTPUT))
        self.crop = face_crop(template, CROP_PX, face_scale=FACE_SCALE)
        self.register_buffer("mean", torch.tensor(_MEAN_BGR).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def embed(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, H, H), RGB in [0, 1] -> (B, 1024) of length 1."""
        check_pictures(pictures)
        crops = self.crop(pictures).flip(1) * 255.0 - self.mean
        return F.normalize(self.network(crops))

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        """Embeddings (..., 1024) -> (...): cosine, stretched so that strangers are at 0 on average."""
        cosine = F.cosine_similarity(first, second, dim=-1)
        return (cosine - STRANGERS_COSINE) / (1.0 - STRANGERS_COSINE)

    def distance(self, first: Tensor, second: Tensor) -> Tensor:
        """1 - similarity."""
        return 1.0 - self.similarity(first, second)
