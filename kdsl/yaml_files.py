"""YAML files that people write: safe loaders that report what plain ones drop, and the text of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from kdsl.errors import ConfigError

try:
    from yaml import CSafeLoader as _Safe
except ImportError:  # without libyaml, PyYAML gives the same result more slowly
    from yaml import SafeLoader as _Safe  # type: ignore[assignment]


DEEPEST = 64
"""Levels of nesting in a file. libyaml composes a file recursively, in C: some ten thousand would end the process."""


class StrictKeys:
    """To be mixed into a safe loader: a key that stands twice in a mapping, of which YAML would keep the last value
    alone, a value that is no value of its kind, such as the date 2024-99-99, and more than `DEEPEST` levels of nesting
    are errors of the file.

    Args:
        text: the whole file.
    """

    def __init__(self, text: str) -> None:
        _check_depth(text)
        super().__init__(text)  # type: ignore[call-arg]

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        checked: dict[int, yaml.MappingNode] = vars(self).setdefault("_checked", {})
        if id(node) not in checked:  # a mapping that others take in by `<<` comes here again, with what it took in
            checked[id(node)] = node
            _check_keys(node)
        super().flatten_mapping(node)  # type: ignore[misc]

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)  # type: ignore[misc]
        except ValueError as error:
            problem = f"'{node.value}' is read as a value that it cannot be ({error}); put it in quotes"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


class Loader(StrictKeys, _Safe):
    """A safe loader with `StrictKeys`."""


def _check_depth(text: str) -> None:
    """Raise a YAMLError at the first value that is nested too deep; events come one by one, without recursion."""
    depth = 0
    for event in yaml.parse(text, Loader=_Safe):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                assert event.start_mark is not None  # only events that are made by hand have none
                line = event.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: values are nested more than {DEEPEST} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_keys(node: yaml.MappingNode) -> None:
    first: dict[tuple[str, str], yaml.Mark] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
            continue
        known = first.setdefault((key.tag, key.value), key.start_mark)
        if known is not key.start_mark:
            problem = f"the key '{key.value}' stands here and in line {known.line + 1}; keep one of them"
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)


def read_text(path: Path, what: str) -> str:
    """The text of a file that people write; `what` it should be is for the message.

    Raises:
        ConfigError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read as {what}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}: cannot be read as {what}: line {line} is not written in UTF-8. Save the file as UTF-8."
        ) from error
