"""The one door to torchvision: ``from f2p_models.vision import torchvision``.

Torchvision's wheels carry operators compiled for CUDA. Beside a CPU build of torch they do not load, and the import
fails with "operator torchvision::nms does not exist" although nothing here needs them. Declaring the two operators
that torchvision decorates while it is imported is enough for its models and transforms; ``ops.nms`` and
``io.decode_*`` stay unusable.
"""

from __future__ import annotations

import warnings
from importlib.machinery import PathFinder
from importlib.util import find_spec

import torch


def _compiled_operators_load() -> bool:
    package = find_spec("torchvision")
    compiled = PathFinder.find_spec("_C", package.submodule_search_locations) if package else None
    if compiled is None or compiled.origin is None:
        return False
    try:
        torch.ops.load_library(compiled.origin)  # type: ignore[no-untyped-call]
    except OSError:
        return False
    return True


def _declare_operators() -> torch.library.Library:
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    return library


# A library takes its declarations with it when it is collected, so it must be kept.
_declarations = None if _compiled_operators_load() else _declare_operators()

with warnings.catch_warnings():
    # The image decoders are compiled against the same CUDA build; pictures are read with Pillow and OpenCV instead.
    warnings.filterwarnings("ignore", message="Failed to load image Python extension")
    import torchvision

__all__ = ["torchvision"]
