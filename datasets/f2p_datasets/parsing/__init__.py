"""Photos whose pixels are labelled: published face parsing sets, one small adapter per format.

schemes.py    what classes mean, and how the eleven parts are said in them
formats.py    the table of formats; helen.py, lapa.py, celebamask.py, fasseg.py list and read them
labels.py     reading label pictures, and saying what is wrong with one
aligning.py   labelled photos in the studio's frame
"""

from __future__ import annotations

from f2p_datasets.parsing.aligning import (
    AlignedLabels,
    ParsingPlan,
    align_labelled,
    import_parsing_set,
    warp_labels,
    with_own_sides,
)
from f2p_datasets.parsing.formats import AUTO, FORMATS, ParsingFormat, ParsingSet, open_for_training, open_parsing_set
from f2p_datasets.parsing.records import LabelledPhoto
from f2p_datasets.parsing.schemes import FASSEG, HELEN, ClassScheme

__all__ = [
    "AUTO",
    "FASSEG",
    "FORMATS",
    "HELEN",
    "AlignedLabels",
    "ClassScheme",
    "LabelledPhoto",
    "ParsingFormat",
    "ParsingPlan",
    "ParsingSet",
    "align_labelled",
    "import_parsing_set",
    "open_for_training",
    "open_parsing_set",
    "warp_labels",
    "with_own_sides",
]
