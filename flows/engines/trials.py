"""An engine by itself, without supervision: for the conformance kit and for measurements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows.engines.orders import EngineOrder, endpoint, installed_adapter, open_engine
from flows.settings import Settings

if TYPE_CHECKING:
    from engine_bridge.bridge import EngineBridge
    from engine_bridge.conformance import Subject
    from engine_bridge.conformance.bench import Source


@contextmanager
def open_subject(order: EngineOrder, settings: Settings) -> Iterator[Subject]:
    """One engine on trial: started for it, or the one that dials in. Raises as :func:`open_engine` does."""
    from engine_bridge.conformance import Subject
    from engine_bridge.conformance.subjects import open_adapter, open_visitor
    from engine_bridge.conformance.wire import KitEndpoint

    if order.is_mock:
        yield Subject(engine=open_engine(order, settings))
    elif order.is_address:
        place = endpoint(order)
        visited = KitEndpoint(token=place.token, host=place.host, port=place.port, tls=place.tls)
        with open_visitor(visited, needs_stamps=place.needs_stamps) as subject:
            yield subject
    else:
        adapter, options = installed_adapter(order, settings)
        with open_adapter(
            adapter,
            work_root=settings.prepared_engines,
            log_folder=settings.engine_logs,
            options=options,
            character_folders=settings.character_folders,
            gpu=order.gpus[0] if order.gpus else None,
        ) as subject:
            yield subject


def bench_source(order: EngineOrder, settings: Settings) -> Source:
    """What is measured: one engine, and for an adapter pools of them as well."""
    from engine_bridge.conformance.bench import Source, adapter_source

    if not (order.is_mock or order.is_address):
        adapter, options = installed_adapter(order, settings)
        return adapter_source(
            adapter,
            work_root=settings.prepared_engines,
            log_folder=settings.engine_logs,
            options=options,
            character_folders=settings.character_folders,
        )

    @contextmanager
    def session() -> Iterator[EngineBridge]:
        with open_subject(order, settings) as subject:
            yield subject.engine

    return Source(session=session)
