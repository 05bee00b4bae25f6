"""The registry of a home: version folders in it, and their index in it too, or on a database server."""

from __future__ import annotations

from f2p_models.registry import Registry
from flows.settings import Settings, registry_database


def open_registry(settings: Settings) -> Registry:
    """The home's registry. Raises InputError for an index address that is none."""
    return Registry(settings.registry, database=registry_database())
