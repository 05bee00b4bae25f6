"""Created faces as a table: a row per face, a column per parameter in engine units, as in a dataset's pairs.parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from engine_bridge.errors import InputError, SchemaError
from engine_bridge.schema import ParameterSchema, Vector
from f2p_datasets.durable import appearing_file
from f2p_datasets.pair_table import read_rows

#: Of a dataset of aligned faces: which of them are front views of high quality. Only those teach priors.
FRONTAL_COLUMN: Final = "frontal"


def write_faces(path: Path, schema: ParameterSchema, vectors: Sequence[Vector] | npt.NDArray[np.float32]) -> None:
    """Vectors (N, V) as a table, complete or not at all; the same vectors give the same bytes."""
    rows = [schema.decode(vector) for vector in vectors]
    table = pa.table({name: [row[name] for row in rows] for name in schema.names})
    with appearing_file(path) as stream:
        pq.write_table(table, stream)


def read_faces(path: Path, schema: ParameterSchema) -> Vector:
    """The vectors (N, V) of a table: of all rows, or of the front views where a column says which they are.

    Other columns are ignored. Raises InputError for a file that is no such table, or values of another character.
    """
    table = read_rows(path)
    if missing := sorted(set(schema.names) - set(table.column_names)):
        raise InputError(
            f"{path}: has no column {missing[0]!r}; give a table with every parameter of {schema.character}"
        )
    if FRONTAL_COLUMN in table.column_names:
        table = table.filter(table.column(FRONTAL_COLUMN))
    try:
        rows = [schema.encode(row) for row in table.select(schema.names).to_pylist()]
    except (SchemaError, TypeError) as error:
        raise InputError(f"{path}: {error}") from error
    return np.stack(rows) if rows else np.zeros((0, schema.vector_size), np.float32)
