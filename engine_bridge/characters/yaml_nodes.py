"""YAML that remembers its lines, so that every complaint about a file can say where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, cast

import yaml

from engine_bridge.errors import SchemaError


@dataclass(frozen=True)
class YamlNode:
    """One node of a parsed file. Every accessor raises SchemaError with file and line when the kind is wrong."""

    path: Path
    node: yaml.Node
    key: str

    def fail(self, message: str) -> NoReturn:
        """Raise SchemaError: FILE:LINE: KEY: message."""
        raise SchemaError(f"{self.path}:{self.node.start_mark.line + 1}: {self.key}: {message}")

    def mapping(self) -> dict[str, YamlNode]:
        if not isinstance(self.node, yaml.MappingNode):
            self.fail("must be a mapping of NAME: VALUE")
        items: dict[str, YamlNode] = {}
        for key, value in self.node.value:
            child = YamlNode(self.path, value, str(key.value))
            if child.key in items:
                child.fail("stands here twice; remove one")
            items[child.key] = child
        return items

    def fields(self, *, required: set[str], optional: frozenset[str] = frozenset()) -> dict[str, YamlNode]:
        """A mapping with exactly these fields."""
        items = self.mapping()
        for name in sorted(required - items.keys()):
            self.fail(f"the field {name!r} is missing")
        for name in items.keys() - required - optional:
            items[name].fail(f"unknown field; known: {', '.join(sorted(required | optional))}")
        return items

    def sequence(self) -> list[YamlNode]:
        if not isinstance(self.node, yaml.SequenceNode):
            self.fail("must be a list")
        return [YamlNode(self.path, item, self.key) for item in self.node.value]

    def text(self) -> str:
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value:
            self.fail("must be a text")
        return cast("str", self.node.value)

    def boolean(self) -> bool:
        if self.text() not in ("true", "false"):
            self.fail(f"must be true or false, not {self.text()!r}")
        return self.text() == "true"

    def number(self) -> float:
        try:
            return float(self.text())
        except ValueError:
            self.fail(f"must be a number, not {self.text()!r}")


def read_yaml(path: Path) -> YamlNode:
    """The file's top node. Raises SchemaError when it cannot be read or is not YAML."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise SchemaError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: cannot be read: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SchemaError(f"{path}:{line}: not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:  # a control character, which has no line
        raise SchemaError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if node is None:
        raise SchemaError(f"{path}: the file is empty")
    return YamlNode(path, node, path.stem)
