"""Adapters: how f2p starts an engine of a kind. One folder with an ``engine.toml`` is one adapter, and adds one engine.

The folder's name is the engine's. Shipped ones lie in ``engine_bridge/engines``; the user's folders are searched first.

    title = "Godot 3"
    docs = "Godot 3.2 under a virtual screen, OpenGL ES 2."       # a sentence or two for `f2p engine list`
    command = ["godot3-runner", "--path", "{work}/project"]       # must not fork away; see the placeholders below
    display = "xvfb"                # "none" (default), or a virtual screen of its own for every instance
    start_timeout_s = 60            # from the start to `hello`, and longest single frame while warming up
    frame_timeout_s = 60            # a request unanswered for so long is lost, and the engine with it
    warm_up_frames = 12             # at most so many are thrown away until two equal ones agree
    recycle_after_frames = 20000    # 0 (default): never
    stamps = "required"             # (default) or "optional": an engine without stamps is only sampled for late frames
    memory_limit_mb = 4000          # resident memory of all its processes; recycled above it. 0 (default): unwatched

    [environment]                   # more variables for the engine's process
    LIBGL_ALWAYS_SOFTWARE = "1"

    [prepare]                       # optional: run once per content of the folder, before the first start
    command = ["{python}", "{folder}/export.py", "{work}"]
    inputs = ["../../mock/assets"]  # what else it reads, relative to the folder: another content prepares anew

    [[needs]]                       # what must be installed, and how
    program = "godot3-runner"       # found on PATH
    install = "apt-get install godot3-runner"
    [[needs]]
    python = "panda3d"              # importable
    install = "pip install '.[panda3d]'"

    [options.lighting]              # `--engine godot3:lighting=engine`; the process finds it in F2P_OPTION_LIGHTING
    title = "Light and shadow"
    choices = ["flat", "engine"]
    default = "flat"

Placeholders in commands and variables: ``{python}`` this interpreter, ``{folder}`` the adapter's folder, ``{work}`` its
own folder to write in, ``{gpu}`` the number of its GPU, ``{characters}`` the user's character folders joined by ``:``.

The process finds in its environment F2P_BRIDGE_URL, F2P_BRIDGE_TOKEN, F2P_ENGINE_INSTANCE and F2P_CHARACTER_FOLDERS.
Its HOME and TMPDIR lie inside the work folder, so nothing is written to the user's home.
"""

from __future__ import annotations

import difflib
import importlib.util
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine_bridge.errors import InputError
from engine_bridge.remote.processes.toml_fields import Fields

SHIPPED_FOLDER: Final = Path(__file__).parents[2] / "engines"
ADAPTER_FILE: Final = "engine.toml"
DISPLAYS: Final = ("none", "xvfb")
STAMPS: Final = ("required", "optional")
PLACEHOLDERS: Final = ("python", "folder", "work", "gpu", "characters")

_NAME: Final = re.compile(r"[a-z0-9_-]{1,40}")
_PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True, kw_only=True)
class Need:
    """One thing that must be installed: a ``program`` on PATH or an importable ``python`` module."""

    kind: str
    what: str
    install: str

    @property
    def is_met(self) -> bool:
        if self.kind == "program":
            return shutil.which(self.what) is not None
        return importlib.util.find_spec(self.what.partition(".")[0]) is not None

    def __str__(self) -> str:
        return f"{self.what} is not installed: {self.install}"


@dataclass(frozen=True, kw_only=True)
class EngineOption:
    """A choice the user has about an engine, e.g. its own light instead of the flat path."""

    name: str
    title: str
    choices: tuple[str, ...]
    default: str


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """How to start one kind of engine: the contents of its ``engine.toml``."""

    name: str
    title: str
    folder: Path
    command: tuple[str, ...]
    docs: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    prepare: tuple[str, ...] = ()
    prepare_inputs: tuple[Path, ...] = ()
    display: str = "none"
    stamps: str = "required"
    recycle_after_frames: int = 0
    memory_limit_mb: int = 0
    warm_up_frames: int = 8
    start_timeout_s: float = 60.0
    frame_timeout_s: float = 60.0
    options: tuple[EngineOption, ...] = ()

    def missing(self) -> list[str]:
        """A line for each thing that is not installed: what, and how to install it. Empty when the engine can start."""
        needs = self.needs
        if self.display == "xvfb":
            needs = (*needs, Need(kind="program", what="Xvfb", install="apt-get install xvfb"))
        return [str(need) for need in needs if not need.is_met]

    def choose(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """All options with the chosen ones in place. Raises InputError for one that does not exist."""
        known = {option.name: option for option in self.options}
        for name, choice in chosen.items():
            if name not in known:
                hint = f"its options: {', '.join(known)}" if known else "it has no options"
                raise InputError(f"engine: {self.name} knows no option {name!r}; {hint}")
            if choice not in known[name].choices:
                raise InputError(f"engine: {self.name}:{name}={choice}: choose one of {', '.join(known[name].choices)}")
        return {option.name: chosen.get(option.name, option.default) for option in self.options}


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled; braces around anything else stay as they are."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def parse_engine_spec(text: str) -> tuple[str, dict[str, str]]:
    """``godot3:lighting=engine,pipe=egl`` -> the engine's name and the options chosen. Raises InputError."""
    name, _, tail = text.partition(":")
    options: dict[str, str] = {}
    for item in filter(None, tail.split(",")):
        option, equals, choice = item.partition("=")
        if not (option and equals and choice) or option in options:
            raise InputError(f"engine: {text!r}: options are written NAME:OPTION=CHOICE,OPTION=CHOICE, each once")
        options[option] = choice
    return name, options


def find_adapters(folders: Sequence[Path] = ()) -> dict[str, Adapter]:
    """Every adapter that can be read, by name, sorted. A user's folder hides a shipped one of the same name."""
    return list_adapters(folders)[0]


def list_adapters(folders: Sequence[Path] = ()) -> tuple[dict[str, Adapter], list[InputError]]:
    """Every adapter that can be read, and what is wrong with the files of the others."""
    adapters: dict[str, Adapter] = {}
    faults: list[InputError] = []
    for name, path in sorted(_adapter_files(folders).items()):
        try:
            adapters[name] = read_adapter(path)
        except InputError as error:
            faults.append(error)
    return adapters, faults


def load_adapter(name: str, folders: Sequence[Path] = ()) -> Adapter:
    """The adapter of that name. Raises InputError when there is none, or when its file is wrong."""
    files = _adapter_files(folders)
    if name not in files:
        close = difflib.get_close_matches(name, files, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(files)) or 'none'}"
        raise InputError(f"engine: no engine is called {name!r}; {hint}")
    return read_adapter(files[name])


def read_adapter(path: Path) -> Adapter:
    """The adapter that an ``engine.toml`` describes. Raises InputError with file, key and the way out."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    top = Fields(path, "", document)
    name = path.parent.name
    if not _NAME.fullmatch(name):
        top.fail("the folder's name is the engine's", "use a-z, 0-9, _ and -, 40 characters at most")
    prepare = top.table("prepare")
    adapter = Adapter(
        name=name,
        title=top.text("title"),
        folder=path.parent.resolve(),
        command=_command(top, "command"),
        docs=top.text("docs", ""),
        environment=_environment(top.table("environment")),
        needs=tuple(_read_need(need) for need in top.tables("needs")),
        prepare=_command(prepare, "command") if prepare.given else (),
        prepare_inputs=_inputs(prepare, path.parent),
        display=top.choice("display", DISPLAYS, "none"),
        stamps=top.choice("stamps", STAMPS, "required"),
        recycle_after_frames=int(top.number("recycle_after_frames", 0)),
        memory_limit_mb=int(top.number("memory_limit_mb", 0)),
        warm_up_frames=int(top.number("warm_up_frames", Adapter.warm_up_frames, minimum=2)),
        start_timeout_s=top.number("start_timeout_s", Adapter.start_timeout_s, minimum=1),
        frame_timeout_s=top.number("frame_timeout_s", Adapter.frame_timeout_s, minimum=1),
        options=tuple(_read_options(top.table("options"))),
    )
    prepare.finish()
    top.finish()
    return adapter


def _adapter_files(folders: Sequence[Path]) -> dict[str, Path]:
    files = [path for folder in (SHIPPED_FOLDER, *reversed(folders)) for path in folder.glob(f"*/{ADAPTER_FILE}")]
    return {path.parent.name: path for path in files}


def _command(fields: Fields, key: str) -> tuple[str, ...]:
    command = fields.texts(key)
    if not command:
        fields.fail(key, "give the program and its arguments as a list of texts")
    for word in command:
        _check_placeholders(fields, key, word)
    return command


def _environment(fields: Fields) -> dict[str, str]:
    variables = {name: fields.text(name) for name in fields.names}
    for name, value in variables.items():
        if name.startswith("F2P_") or name in ("HOME", "TMPDIR", "DISPLAY", "XAUTHORITY"):
            fields.fail(name, "is set by f2p; remove it")
        _check_placeholders(fields, name, value)
    return variables


def _check_placeholders(fields: Fields, key: str, text: str) -> None:
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            fields.fail(key, f"{{{name}}} is no placeholder; there are {' '.join(f'{{{p}}}' for p in PLACEHOLDERS)}")


def _inputs(prepare: Fields, folder: Path) -> tuple[Path, ...]:
    paths = tuple((folder / text).resolve() for text in prepare.texts("inputs"))
    for path in paths:
        if not path.exists():
            prepare.fail("inputs", f"{path} does not exist; paths are relative to {folder}")
    return paths


def _read_need(fields: Fields) -> Need:
    kinds = [kind for kind in ("program", "python") if kind in fields.names]
    if len(kinds) != 1:
        fields.fail("program", 'give either program = "NAME" or python = "MODULE"')
    need = Need(kind=kinds[0], what=fields.text(kinds[0]), install=fields.text("install"))
    fields.finish()
    return need


def _read_options(fields: Fields) -> Iterator[EngineOption]:
    for name in fields.names:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            fields.fail(name, "an option's name has a-z, 0-9 and _")
        table = fields.table(name)
        choices = table.texts("choices")
        if len(choices) < 2:
            table.fail("choices", "give at least two")
        yield EngineOption(
            name=name, title=table.text("title", name), choices=choices, default=table.choice("default", choices, None)
        )
        table.finish()


def as_environment(options: Mapping[str, str]) -> dict[str, str]:
    """Options as the engine's process finds them: F2P_OPTION_<NAME>."""
    return {f"F2P_OPTION_{name.upper()}": choice for name, choice in options.items()}
