"""Facial priors (Shi et al., TPAMI, section 3.5): what faces have in common keeps created parameters sensible."""

from __future__ import annotations

from f2p_models.priors.facial_priors import FacialPriors, PriorGroup, PriorsCard
from f2p_models.priors.files import PRIORS_FILE, load_priors, save_priors
from f2p_models.priors.fitting import PriorsConfig, fit_priors
from f2p_models.priors.regions import face_regions

__all__ = [
    "PRIORS_FILE",
    "FacialPriors",
    "PriorGroup",
    "PriorsCard",
    "PriorsConfig",
    "face_regions",
    "fit_priors",
    "load_priors",
    "save_priors",
]
