"""Frozen face recognition networks F_recg: picture -> identity embedding, differentiable to the pixels."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from f2p_models.embedders.dlib_resnet import DlibEmbedder
from f2p_models.embedders.lightcnn import LightCnnEmbedder
from f2p_models.embedders.protocol import Embedder, Template
from f2p_models.errors import WeightsError

EMBEDDER_NAMES = ("dlib", "lightcnn")

__all__ = ["EMBEDDER_NAMES", "DlibEmbedder", "Embedder", "LightCnnEmbedder", "Template", "build_embedder"]


def build_embedder(
    name: str, template: Template, checkpoint: Path | None = None, *, center: Tensor | None = None
) -> Embedder:
    """The embedder of that name for pictures whose 68 landmarks are ``template``.

    ``dlib`` brings its own weights; ``lightcnn`` needs ``checkpoint``, the authors' LightCNN_29Layers_V2 file.
    ``center`` (D,) replaces the network's own, see :class:`Embedder`.
    """
    if name == "dlib":
        return DlibEmbedder(template, center=center)
    if name != "lightcnn":
        raise WeightsError(f"embedder: {name!r} is none of {', '.join(EMBEDDER_NAMES)}")
    if checkpoint is None:
        raise WeightsError("embedder: lightcnn needs the path of LightCNN_29Layers_V2_checkpoint.pth.tar")
    return LightCnnEmbedder(checkpoint, template, center=center)
