"""Photos become characters: one-shot, iterative, hybrid."""

from __future__ import annotations

from f2p_models.creation.creation import Creation
from f2p_models.creation.creator import Creator
from f2p_models.creation.mode import MODES, Mode, ModeChoice, choose_mode, fixed_mode
from f2p_models.creation.parameters import parameters_document, read_parameters
from f2p_models.creation.pictures import Panel, side_by_side
from f2p_models.creation.search_settings import IterativeConfig

__all__ = [
    "MODES",
    "Creation",
    "Creator",
    "IterativeConfig",
    "Mode",
    "ModeChoice",
    "Panel",
    "choose_mode",
    "fixed_mode",
    "parameters_document",
    "read_parameters",
    "side_by_side",
]
