"""Names inside the folders of a run's steps, for the modules that write them and those that read them again."""

from __future__ import annotations

from typing import Final

#: Of a trained network: weights and card, and beside them the training's state, history and previews.
CHECKPOINT: Final = "checkpoint"
TRAINING: Final = "training"
#: The stage, and so a part of the folder's name, of renders that nobody learns from.
HELDOUT_PHOTOS: Final = "heldout-photos"
#: Of an evaluation: the figures, and a folder of pictures.
EVALUATION_FILE: Final = "evaluation.json"
PICTURES: Final = "pictures"
#: Of a created character.
PARAMETERS_FILE: Final = "parameters.json"
COMPARISON_FILE: Final = "side_by_side.png"
#: Among a version's parents: name and build of what rendered its data.
ENGINE: Final = "engine"
