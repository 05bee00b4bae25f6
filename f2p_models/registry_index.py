"""MLflow's model registry on SQLite or PostgreSQL, cut down to what publishing needs.

The database is an index: the version folders hold the truth and it can be rebuilt from them. Only relative paths go
into it, because MLflow stores locations as they are given and a moved home would break absolute ones.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from f2p_models.index_health import put_aside, put_aside_when_damaged

CHAMPION: Final = "champion"
_HISTORY_TAG: Final = "champion_history"
#: Of rows that were made anew: MLflow dates them by then.
_PUBLISHED_TAG: Final = "published_at"
#: In what SQLite says when the database itself is not at fault.
_PASSING_TROUBLE: Final = ("locked", "readonly", "read-only", "disk is full", "disk I/O", "unable to open")


@dataclass(frozen=True, kw_only=True)
class IndexRow:
    """One version as the database knows it."""

    version: int
    source: str
    published_at: str
    tags: Mapping[str, str]


class RegistryIndex:
    """Versions, their tags and the history of champions, per character.

    ``database`` is an SQLite file, or the address of a database as SQLAlchemy writes it.
    """

    def __init__(self, database: Path | str) -> None:
        self._uri = database if isinstance(database, str) else f"sqlite:///{database.resolve()}"
        self._file = database if isinstance(database, Path) else None

    def characters(self) -> list[str]:
        """Every character with at least one version, sorted."""
        return sorted(model.name for model in self._client.search_registered_models())

    def rows(self, character: str) -> list[IndexRow]:
        """The character's versions, oldest first."""
        found = self._client.search_model_versions(f"name='{character}'")
        return sorted((_row(entity) for entity in found), key=lambda row: row.version)

    def add(self, character: str, version: int, source: str, tags: Mapping[str, str]) -> None:
        """A new row of that number, in the place of one that has it.

        MLflow gives one more than the highest number ever given. Those below are given and taken back; for a number
        that is past, the character's rows are made anew.
        """
        given = self._create(character, source, tags)
        while given < version:  # the versions between were removed, here or elsewhere
            self.remove(character, given)
            given = self._create(character, source, tags)
        if given > version:
            self.remove(character, given)
            self._make_anew(character, version, source, tags)

    def _create(self, character: str, source: str, tags: Mapping[str, str]) -> int:
        if character not in self.characters():
            self._client.create_registered_model(character)
        return int(self._client.create_model_version(character, source, tags=dict(tags)).version)

    def _make_anew(self, character: str, version: int, source: str, tags: Mapping[str, str]) -> None:
        """A crash in between leaves rows out: the registry adds what it misses."""
        kept = {
            row.version: (row.source, {**row.tags, _PUBLISHED_TAG: row.published_at}) for row in self.rows(character)
        }
        champions = self.champions(character)
        kept[version] = source, dict(tags)
        self._client.delete_registered_model(character)
        for number in sorted(kept):  # ascending: each is higher than what was given before
            self.add(character, number, *kept[number])
        if champions and champions[-1] in kept:
            self.set_champions(character, champions)

    def remove(self, character: str, version: int) -> None:
        """Forget a version; its number is not given again."""
        self._client.delete_model_version(character, str(version))

    def set_tag(self, character: str, version: int, key: str, value: str) -> None:
        self._client.set_model_version_tag(character, str(version), key, value)

    def champions(self, character: str) -> list[int]:
        """Every champion in the order of promotion; the last one is in use."""
        if character not in self.characters():
            return []
        model = self._client.get_registered_model(character)
        return [int(version) for version in json.loads(model.tags.get(_HISTORY_TAG, "[]"))]

    def set_champions(self, character: str, history: list[int]) -> None:
        """Replace the history. MLflow's alias follows it, for whoever reads the registry with MLflow itself."""
        self._client.set_registered_model_tag(character, _HISTORY_TAG, json.dumps(history))
        self._client.set_registered_model_alias(character, CHAMPION, str(history[-1]))

    @cached_property
    def _client(self) -> Any:
        if self._file is None:
            return _open_quietly(self._uri)
        put_aside_when_damaged(self._file)
        try:
            return _open_quietly(self._uri)
        except Exception as error:  # whatever MLflow misses in it; everything it says can be told it again
            if not self._file.is_file() or any(word in str(error) for word in _PASSING_TROUBLE):
                raise
            put_aside(self._file)
            return _open_quietly(self._uri)


def _open_quietly(uri: str) -> Any:
    """An MLflow client that phones nobody and prints nothing. Imported here because it takes most of a second."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # MLflow 3.17's own mappers use a loader that SQLAlchemy 2.1 deprecates.
        warnings.filterwarnings("ignore", "The ``noload`` loader strategy", DeprecationWarning)
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri, registry_uri=uri)  # without the first it makes ./mlflow.db
        client.search_registered_models()  # creates the tables while its warnings are silenced
    return client


def _row(entity: Any) -> IndexRow:
    made = datetime.fromtimestamp(entity.creation_timestamp / 1000, UTC)
    tags = dict(entity.tags)
    published_at = tags.pop(_PUBLISHED_TAG, made.isoformat())
    return IndexRow(version=int(entity.version), source=str(entity.source), published_at=published_at, tags=tags)
