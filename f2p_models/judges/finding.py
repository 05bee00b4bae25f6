"""Which judges are there. Their weights are nobody's to ship: a user installs them once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from f2p_models.embedders.protocol import Template
from f2p_models.errors import WeightsError
from f2p_models.judges import facemesh, faceres
from f2p_models.judges.facemesh import FaceMesh
from f2p_models.judges.faceres import FaceRes
from f2p_models.judges.files import WAY_OUT, WeightFiles
from f2p_models.judges.protocol import Judge

_JUDGES: Final[dict[str, tuple[type[FaceRes] | type[FaceMesh], WeightFiles]]] = {
    "faceres": (FaceRes, faceres.FILES),
    "facemesh": (FaceMesh, facemesh.FILES),
}
JUDGE_NAMES: Final = tuple(_JUDGES)


def installed_judges(folder: Path) -> tuple[str, ...]:
    """Names of the judges whose weights lie in ``folder``; nothing is opened."""
    return tuple(name for name, (_, files) in _JUDGES.items() if files.present(folder))


def find_judges(folder: Path, template: Template) -> tuple[Judge, ...]:
    """The judges whose weights lie in ``folder``, perhaps none, for pictures whose 68 landmarks are ``template``.

    Raises WeightsError for weights that are damaged: they are not passed over in silence.
    """
    return tuple(open_judge(name, folder, template) for name in installed_judges(folder))


def open_judge(name: str, folder: Path, template: Template) -> Judge:
    """One judge. Raises WeightsError when there is none of that name, or its weights are not in ``folder``."""
    if name not in _JUDGES:
        raise WeightsError(f"judge: {name!r} is none of {', '.join(JUDGE_NAMES)}")
    judge, files = _JUDGES[name]
    if not files.present(folder):
        raise WeightsError(f"judge: {name} has no weights in {folder}; {WAY_OUT}")
    return judge(folder, template)
