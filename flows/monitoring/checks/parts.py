"""What runs are made of: faces' detectors, weights that cannot be shipped, characters, engines."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from engine_bridge.errors import InputError
from engine_bridge.remote.processes.adapters import list_adapters
from flows.engines.orders import MOCK, EngineOrder, open_engine, schemas_of, studio_renderer
from flows.monitoring.checks.ill import IllError
from flows.settings import IMAGENET_VARIABLE, INCEPTION_VARIABLE, LIGHTCNN_VARIABLE, Settings

_LANDMARKS: Final = "shape_predictor_68_face_landmarks.dat"
_EMBEDDER: Final = "dlib_face_recognition_resnet_model_v1.dat"


def check_faces() -> str:
    """The detector finds the face in the portrait that ships, and its landmarks; the embedder's file is there."""
    from f2p_datasets.detection import FaceDetector, find_model_file
    from f2p_datasets.photos import read_photo
    from flows.photos.names import sample_photo

    folder = {find_model_file(name).parent for name in (_LANDMARKS, _EMBEDDER)}.pop()
    found = FaceDetector().detect(read_photo(sample_photo()))
    if len(found) != 1:
        raise InputError(f"the detector finds {len(found)} faces in a portrait of one")
    return f"the detector finds the face of the sample; landmarks and embedder in {folder}"


def check_weights(settings: Settings) -> str:
    """Those that were given can be read; those that were not, no recipe but the paper's needs."""
    given = {
        LIGHTCNN_VARIABLE: settings.lightcnn_weights,
        IMAGENET_VARIABLE: settings.imagenet_weights,
        INCEPTION_VARIABLE: settings.inception_weights,
    }
    readable = [_read_weights(variable, path) for variable, path in given.items() if path]
    absent = [variable for variable, path in given.items() if not path]
    parts = [", ".join(readable), _judges(settings), f"not given: {', '.join(absent)}" if absent else ""]
    return "; ".join(filter(None, parts))


def check_characters(settings: Settings) -> str:
    """Every character file is one."""
    from engine_bridge.characters import list_schemas

    schemas, faults = list_schemas(settings.character_folders)
    if faults:
        raise InputError("; ".join(str(fault) for fault in faults))
    return ", ".join(schema.character for schema in schemas)


def check_adapters(settings: Settings) -> str:
    """Every adapter is one. Engines that are not installed are no fault: nobody needs all of them."""
    adapters, faults = list_adapters(settings.engine_folders)
    if faults:
        raise InputError("; ".join(str(fault) for fault in faults))
    here = [MOCK, *(name for name, adapter in adapters.items() if not adapter.missing())]
    absent = [name for name, adapter in adapters.items() if adapter.missing()]
    return f"{', '.join(here)}" + (f"; not installed: {', '.join(absent)} ('f2p engine list')" if absent else "")


def check_engine(settings: Settings, order: EngineOrder) -> str:
    """The engine that is asked for renders."""
    with closing(open_engine(order, settings)) as engine:
        schema = schemas_of(engine, settings)[0]
        studio_renderer(engine, schema.character, 64)([schema.default_vector()])
        return f"{engine.name} {engine.build} rendered {schema.character}"


def _read_weights(variable: str, path: Path) -> str:
    from f2p_models.errors import WeightsError
    from f2p_models.weights import read_torch_file

    try:
        read_torch_file(path)
    except WeightsError as error:  # it quotes PyTorch, which advises to read the file unsafely
        detail = f"{path} is missing, cut short, or no file of plain tensors"
        raise IllError(detail, f"export {variable}=/path/to/weights  # or unset {variable}") from error
    return path.name


def _judges(settings: Settings) -> str:
    """Damaged ones are told when they are opened, and no run needs them."""
    from f2p_models.judges.finding import JUDGE_NAMES, installed_judges

    installed = installed_judges(settings.judges)
    absent = [name for name in JUDGE_NAMES if name not in installed]
    told = f"judges {', '.join(installed)}" if installed else "no judges"
    return f"{told} ('python -m infra.judges' fetches {', '.join(absent)})" if absent else told
