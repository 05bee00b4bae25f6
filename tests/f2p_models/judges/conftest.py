"""Made-up files of both formats, and the real judges where a user installed them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytest

#: What ``python -m infra.judges --out f2p-home/judges`` fills from the project's root.
DEFAULT_FOLDER = Path(__file__).parents[3] / "f2p-home" / "judges"


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of the installed weights."""
    folder = Path(os.environ.get("F2P_JUDGES", DEFAULT_FOLDER))
    if not (folder / "faceres.json").is_file():
        pytest.skip(f"no judges in {folder}; python -m infra.judges --out {folder} installs them")
    return folder


def text(words: str) -> str:
    return base64.b64encode(words.encode()).decode()


def node(name: str, operation: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": operation, "input": list(inputs), "attr": attributes}


def convolution(name: str, operation: str, *inputs: str, stride: int = 1, fused: tuple[str, ...] = ()) -> Any:
    return node(
        name,
        operation,
        *inputs,
        strides={"list": {"i": ["1", str(stride), str(stride), "1"]}},
        padding={"s": text("SAME")},
        fused_ops={"list": {"s": [text(word) for word in fused]}},
    )


@pytest.fixture
def write_tfjs(tmp_path: Path) -> Callable[..., Path]:
    """Write a graph model of these nodes and weights, stored as float16; ``cut`` bytes are lost at the end."""

    def write(
        nodes: list[dict[str, Any]], weights: dict[str, npt.NDArray[Any]], *, cut: int = 0, stored: str = "float16"
    ) -> Path:
        manifest = [
            {"name": name, "shape": list(array.shape), "dtype": "float32", "quantization": {"dtype": stored}}
            for name, array in weights.items()
        ]
        topology = [node("x", "Placeholder"), *(node(name, "Const") for name in weights), *nodes]
        data = b"".join(array.astype(stored).tobytes() for array in weights.values())
        (tmp_path / "model.bin").write_bytes(data[: len(data) - cut] if cut >= 0 else data + bytes(-cut))
        content = {
            "modelTopology": {"node": topology},
            "weightsManifest": [{"paths": ["model.bin"], "weights": manifest}],
        }
        path = tmp_path / "model.json"
        path.write_text(json.dumps(content))
        return path

    return write
