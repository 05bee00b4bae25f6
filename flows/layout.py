"""Names inside the folders of a run's steps, for the modules that write them and those that read them again."""

from __future__ import annotations

from typing import Final

#: Of a trained network: weights and card, and beside them the training's state, history and previews.
CHECKPOINT: Final = "checkpoint"
TRAINING: Final = "training"
#: Stages, and so parts of their folders' names, of datasets.
STUDIO: Final = "studio"
TEMPLATE: Final = "template"
PHOTO_LIKE: Final = "photo-like"
PHOTOS: Final = "photos"
PARSING: Final = "parsing"
#: Renders that nobody learns from.
HELDOUT_PHOTOS: Final = "heldout-photos"
#: Of an evaluation: the figures, and a folder of pictures.
EVALUATION_FILE: Final = "evaluation.json"
PICTURES: Final = "pictures"
#: Of a created character.
PARAMETERS_FILE: Final = "parameters.json"
COMPARISON_FILE: Final = "side_by_side.png"
#: Among a version's parents: name and build of what rendered its data.
ENGINE: Final = "engine"
