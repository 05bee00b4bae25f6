"""Judges: frozen networks that took no part in training, and say how like a character is.

protocol.py      what a judge is
finding.py       which judges are installed
faceres.py       who it is: a recogniser of other architecture, photos and loss than the embedders
facemesh.py      how the face is built: 468 points in three dimensions, pose taken away (proportions.py)
graph.py         the small networks they are, run in PyTorch; tfjs.py and tflite.py read the files
"""

from __future__ import annotations

from f2p_models.judges.finding import JUDGE_NAMES, find_judges, installed_judges, open_judge
from f2p_models.judges.protocol import Judge, Provenance

__all__ = ["JUDGE_NAMES", "Judge", "Provenance", "find_judges", "installed_judges", "open_judge"]
