"""Training of the three networks, on batches from anywhere.

loop.py         the loop they share; state.py, run_folder.py, interrupts.py make it stop and continue
imitator.py     segmenter.py     translator.py       one network each: settings, losses, held-out metrics, preview
sources.py      what a source of batches is, and the guard against held-out pairs
"""

from __future__ import annotations

from f2p_models.training.augmentation import Augmentation
from f2p_models.training.imitator import ImitatorTraining, train_imitator
from f2p_models.training.loop import TrainingResult
from f2p_models.training.progress import Progress, SilentProgress
from f2p_models.training.segmenter import SegmenterTraining, train_segmenter
from f2p_models.training.sources import Batch, BatchSource
from f2p_models.training.translator import train_translator
from f2p_models.training.translator_settings import TranslatorTraining
from f2p_models.training.translator_task import FrozenNetworks

__all__ = [
    "Augmentation",
    "Batch",
    "BatchSource",
    "FrozenNetworks",
    "ImitatorTraining",
    "Progress",
    "SegmenterTraining",
    "SilentProgress",
    "TrainingResult",
    "TranslatorTraining",
    "train_imitator",
    "train_segmenter",
    "train_translator",
]
