"""Read a character file and the rig file it names into a ParameterSchema.

character: justice_female     the name, equal to the file's
title: Adult female           what people read
head: adult_female            the head rig an engine loads for it
rig: justice_rig.yaml         beside this file, or one of the shipped rigs; or the groups themselves, in place
choices:                      discrete parameters, in vector order
  hairstyle: {group: hair, names: [bob, long_straight], default: bob}

Instead of ``rig`` a file may spell its sliders out, in vector order, with whatever names and units the engine has:

sliders:
  smile: {group: mouth, bone: smile, controller: value, minimum: -1.0, maximum: 1.0, default: 0.0}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from engine_bridge.characters.yaml_nodes import YamlNode, read_yaml
from engine_bridge.errors import SchemaError
from engine_bridge.schema import ContinuousParameter, DiscreteParameter, ParameterSchema

CHANNELS: Final = ("tx", "ty", "tz", "rx", "ry", "rz", "sx", "sy", "sz")
BAN_REASONS: Final = ("symmetry", "unused")

#: Channels that would move a bone on the midline out of it.
LOPSIDED_CHANNELS: Final = frozenset({"tx", "ry", "rz"})


def read_schema_file(path: Path, name: str | None = None) -> ParameterSchema:
    """The schema that a character file describes; ``name`` is the character's, by default the file's.

    Raises SchemaError with file, line and the way out.
    """
    name = path.stem if name is None else name
    top = read_yaml(path)
    fields = top.fields(required={"character", "title", "head"}, optional=frozenset({"rig", "sliders", "choices"}))
    if ("rig" in fields) == ("sliders" in fields):
        top.fail("give either 'rig' or 'sliders'")
    if fields["character"].text() != name:
        fields["character"].fail(f"must equal the file's name, {name!r}; rename one of them")
    choices = fields["choices"].mapping() if "choices" in fields else {}
    title, head = fields["title"].text(), fields["head"].text()
    if "rig" in fields:
        sliders = tuple(_read_sliders(_rig_groups(fields["rig"])))
    else:
        sliders = tuple(_read_plain_slider(node) for node in fields["sliders"].mapping().values())
    discrete = tuple(_read_choice(node) for node in choices.values())
    try:
        return ParameterSchema(character=name, title=title, head=head, continuous=sliders, discrete=discrete)
    except SchemaError as error:  # about the whole: no line is to blame
        raise SchemaError(f"{path}: {error}") from None


def _rig_groups(rig: YamlNode) -> dict[str, YamlNode]:
    """The groups of a rig written in place, beside the character's file, or shipped."""
    if isinstance(rig.node, yaml.MappingNode):
        return rig.mapping()
    beside, shipped = rig.path.parent / rig.text(), Path(__file__).parent / rig.text()
    for path in (beside, shipped):
        if path.is_file():
            return read_yaml(path).fields(required={"groups"})["groups"].mapping()
    rig.fail(f"no rig file {rig.text()!r} beside this file or among the shipped ones")


def _read_sliders(groups: dict[str, YamlNode]) -> Iterator[ContinuousParameter]:
    for group, node in groups.items():
        fields = node.fields(required={"mirrored", "sliders"}, optional=frozenset({"banned"}))
        sliders = fields["sliders"].mapping()
        banned = fields["banned"].mapping() if "banned" in fields else {}
        _check_channels(node, sliders, banned, mirrored=fields["mirrored"].boolean())
        for channel in CHANNELS:
            if channel in sliders:
                yield _read_slider(group, channel, sliders[channel])


def _check_channels(
    group: YamlNode, sliders: dict[str, YamlNode], banned: dict[str, YamlNode], *, mirrored: bool
) -> None:
    for channel, node in (*sliders.items(), *banned.items()):
        if channel not in CHANNELS:
            node.fail(f"no channel of a bone; channels: {' '.join(CHANNELS)}")
    for channel, reason in banned.items():
        if channel in sliders:
            reason.fail("is both a slider and banned; remove one")
        if reason.text() not in BAN_REASONS:
            reason.fail(f"a ban's reason is one of: {', '.join(BAN_REASONS)}")
    for channel in sliders.keys() & LOPSIDED_CHANNELS:
        if not mirrored:
            sliders[channel].fail("makes a central bone lopsided; ban it with the reason 'symmetry'")
    undecided = [channel for channel in CHANNELS if channel not in sliders and channel not in banned]
    if undecided:
        group.fail(f"{' '.join(undecided)}: neither a slider nor banned; write a range or a reason")


def _read_slider(group: str, channel: str, node: YamlNode) -> ContinuousParameter:
    bounds = [item.number() for item in node.sequence()]
    if len(bounds) != 2:
        node.fail("must be [minimum, maximum]")
    minimum, maximum = bounds
    try:
        return ContinuousParameter(
            name=f"{group}.{channel}",
            group=group,
            bone=group,
            controller=channel,
            minimum=minimum,
            maximum=maximum,
            default=(minimum + maximum) / 2,
        )
    except SchemaError as error:
        node.fail(str(error))


def _read_plain_slider(node: YamlNode) -> ContinuousParameter:
    fields = node.fields(required={"group", "bone", "controller", "minimum", "maximum", "default"})
    try:
        return ContinuousParameter(
            name=node.key,
            group=fields["group"].text(),
            bone=fields["bone"].text(),
            controller=fields["controller"].text(),
            minimum=fields["minimum"].number(),
            maximum=fields["maximum"].number(),
            default=fields["default"].number(),
        )
    except SchemaError as error:
        node.fail(str(error))


def _read_choice(node: YamlNode) -> DiscreteParameter:
    fields = node.fields(required={"group", "names", "default"})
    names = tuple(item.text() for item in fields["names"].sequence())
    try:
        return DiscreteParameter(
            name=node.key, group=fields["group"].text(), choices=names, default=fields["default"].text()
        )
    except SchemaError as error:
        node.fail(str(error))
