"""Photo collections as they are published: one small adapter per format, all of which list the same records.

``f2p_datasets.collections.formats`` has the table of them.
"""

from __future__ import annotations

from f2p_datasets.collections.formats import (
    AUTO,
    FORMATS,
    CollectionFormat,
    PhotoCollection,
    open_collection,
    open_for_training,
)
from f2p_datasets.collections.records import PhotoRecord, TarSlice, read_record

__all__ = [
    "AUTO",
    "FORMATS",
    "CollectionFormat",
    "PhotoCollection",
    "PhotoRecord",
    "TarSlice",
    "open_collection",
    "open_for_training",
    "read_record",
]
