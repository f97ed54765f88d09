"""Changes to a YAML text that leave all other lines as they are: comments, blank lines, quotes and indentation.

The text is parsed to nodes that know their lines. A change replaces the lines of one entry (an item of a list, or a
key with its value) and no others; within the entry, `ruamel.yaml` keeps comments and the way values are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from io import StringIO
from typing import Any

import yaml

from kdsl.errors import InputError
from kdsl.yaml_files import Loader

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""Line breaks of YAML 1.1, by which the parser counts lines."""
_NEVER_FOLD = 1 << 20
_TEXT = "tag:yaml.org,2002:str"
_RESOLVER = yaml.resolver.Resolver()

Path = tuple[str | int, ...]
"""Keys and list positions that lead from the root to a value."""


class CannotEdit(InputError):
    """The YAML is valid, but one of its entries cannot be changed by itself."""


@dataclass(frozen=True)
class Splice:
    """New text in the place of the lines from `first` to before `stop`."""

    first: int
    stop: int
    text: str


class YamlText:
    """A YAML text whose root is a mapping with one key per line.

    Raises:
        yaml.YAMLError: it cannot be parsed.
        CannotEdit: its root is something else.
    """

    def __init__(self, text: str) -> None:
        ends = [match.end() for match in _BREAK.finditer(text)]
        self._lines = [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True) if a < len(text)]
        found = _BREAK.search(text)
        self._break = found[0] if found else "\n"
        self._root = yaml.compose(text, Loader=Loader)
        if not isinstance(self._root, yaml.MappingNode) or self._root.flow_style:
            raise CannotEdit("the file is not written with one key per line, so that no part can be changed by itself")
        self._indent, self._dash = _indents(self._root)

    def has(self, *path: str | int) -> bool:
        """Whether there is an entry at a path."""
        return self._node(path) is not None

    def keys(self, *path: str | int) -> list[str]:
        """The keys of the mapping at a path, as they are written; none if there is no mapping."""
        return [str(key) for key, _ in _children(self._node(path))]

    def in_brackets(self, key: str) -> bool:
        """Whether a key of the root has a list or mapping that stands in brackets and is not empty."""
        node = self._node((key,))
        return isinstance(node, yaml.CollectionNode) and bool(node.flow_style and node.value)

    def spliced(self, splices: Iterable[Splice]) -> str:
        """The text with all splices made; they must not overlap. Those at one line stand in the order given."""
        lines = list(self._lines)
        # from the last line to the first, so that line numbers stay true; at one line what replaces lines comes first
        for splice in sorted(splices, key=lambda one: (one.first, one.stop))[::-1]:
            if splice.text and splice.first and not _BREAK.search(lines[splice.first - 1]):
                lines[splice.first - 1] += self._break  # the last line of a text may have no break
            lines[splice.first : splice.stop] = [splice.text]
        return "".join(lines)

    def change(self, path: Path, old: Any, new: Any) -> Splice:
        """Change the entry at a path, which stands for `old`, so that it stands for `new`.

        What is equal in both is left as it is written; `old` may hold values that the text leaves out. Comment lines
        within the entry that lose their place come to stand above it.
        """
        first, stop = self._span(path)
        is_item = isinstance(path[-1], int)
        editor, margin = self._editor(_margin(self._lines[first]), is_item)
        written = "".join(line[min(margin, _margin(line)) :] for line in self._lines[first:stop])
        parsed = _parsed(editor, written, path)
        key = 0 if is_item else path[-1]
        parsed[key] = _merged(parsed[key], old, new)
        fresh = self._written(editor, parsed, margin)
        lost = [line for line in self._lines[first:stop] if line.strip().startswith("#") and line.strip() not in fresh]
        return Splice(first, stop, "".join(lost) + fresh)

    def insert(self, path: Path, value: Any, before: str | int | None = None) -> Splice:
        """Put a new entry at a path, before another one of the same list or mapping and the comment lines directly
        above that one, or as the last."""
        *above, key = path
        node = self._node(above)
        fresh: Any = [value] if isinstance(key, int) else {key: value}
        if not isinstance(node, yaml.CollectionNode) or not node.value:
            return self.change(tuple(above), None, fresh)
        line = _last_line(node) + 1 if before is None else self._above(self._span((*above, before))[0])
        editor, margin = self._editor(node.start_mark.column, isinstance(key, int))
        return Splice(line, line, self._written(editor, _quoted(fresh), margin))

    def remove(self, path: Path) -> Splice:
        """Remove one of several entries of a list or mapping, and the comment lines directly above it, unless it is
        the first one: then they may speak of all entries."""
        first, stop = self._span(path)
        siblings = self._node(path[:-1])
        assert isinstance(siblings, yaml.CollectionNode)
        is_first = self._node(path) is _children(siblings)[0][1]
        return Splice(first if is_first else self._above(first), stop, "")

    def unbracketed(self, key: str) -> Splice:
        """Write the list or mapping that a key of the root has in brackets with one entry per line."""
        first, stop = self._span((key,))
        editor, _ = self._editor(0, False)
        parsed = _parsed(editor, "".join(self._lines[first:stop]), (key,))
        parsed[key].fa.set_block_style()
        return Splice(first, stop, self._written(editor, parsed, 0))

    def _node(self, path: Sequence[str | int]) -> yaml.Node | None:
        node: yaml.Node | None = self._root
        for step in path:
            node = next((value for key, value in _children(node) if key == step), None)
        return node

    def _span(self, path: Path) -> tuple[int, int]:
        """The lines of an entry: the first, and the one after the last."""
        *above, key = path
        parent, node = self._node(above), self._node(path)
        if not isinstance(parent, yaml.CollectionNode) or node is None:
            raise KeyError(path)
        if parent.flow_style:
            raise CannotEdit(f"{_named(path)} stands within brackets and cannot be changed by itself")
        first = node.start_mark.line
        if isinstance(parent, yaml.MappingNode):
            first = next(name.start_mark.line for name, _ in parent.value if name.value == key)
        else:
            while not self._lines[first].lstrip().startswith("-"):  # the item may begin on a line below its dash
                first -= 1
        if _margin(self._lines[first]) != parent.start_mark.column:
            raise CannotEdit(f"{_named(path)} shares its first line with another entry")
        return first, max(first, _last_line(node)) + 1

    def _above(self, line: int) -> int:
        """The first of the comment lines directly above a line, or the line itself."""
        while line and self._lines[line - 1].lstrip().startswith("#"):
            line -= 1
        return line

    def _editor(self, column: int, is_item: bool) -> tuple[Any, int]:
        """A `ruamel.yaml.YAML` for an entry that starts at a column, and the margin of its lines."""
        from ruamel.yaml import YAML

        editor = YAML(typ="rt")  # builds plain data, no objects
        editor.preserve_quotes = True
        editor.width = _NEVER_FOLD
        dash = min(self._dash, column) if is_item else self._dash
        editor.indent(mapping=self._indent, sequence=dash + 2, offset=dash)
        return editor, column - dash if is_item else column

    def _written(self, editor: Any, value: Any, margin: int) -> str:
        """A value as lines of this text, moved to the right by `margin`."""
        out = StringIO()
        editor.dump(value, out)
        lines = out.getvalue().splitlines()
        return "".join((" " * margin + line if line else "") + self._break for line in lines)


def _parsed(editor: Any, text: str, path: Path) -> Any:
    """An entry as `ruamel.yaml` parses it by itself."""
    from ruamel.yaml.error import YAMLError

    try:
        return editor.load(text)
    except YAMLError as error:
        raise CannotEdit(f"{_named(path)} cannot be read by itself: {error}") from error


def _children(node: yaml.Node | None) -> list[tuple[str | int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        return [(key.value, value) for key, value in node.value]
    return list(enumerate(node.value)) if isinstance(node, yaml.SequenceNode) else []


def _last_line(node: yaml.Node) -> int:
    """The last line that belongs to a node; blank and comment lines after it do not."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        inner = [child for pair in node.value for child in (pair if isinstance(pair, tuple) else (pair,))]
        return max(map(_last_line, inner))
    end = node.end_mark
    return end.line - 1 if end.column == 0 and end.line > node.start_mark.line else end.line


def _indents(node: yaml.Node) -> tuple[int, int]:
    """By how many columns a text indents the keys, and the dashes, below a key."""
    steps: dict[type, int] = {}
    open_nodes = [node]
    while open_nodes:
        now = open_nodes.pop()
        open_nodes += [value for _, value in _children(now)]
        for key, value in now.value if isinstance(now, yaml.MappingNode) else ():
            if isinstance(value, yaml.CollectionNode) and not value.flow_style:
                steps.setdefault(type(value), value.start_mark.column - key.start_mark.column)
    return steps.get(yaml.MappingNode, 2), steps.get(yaml.SequenceNode, 0)


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _named(path: Path) -> str:
    return ".".join(map(str, path))


def _merged(written: Any, old: Any, new: Any) -> Any:
    """What `ruamel.yaml` parsed for `old`, changed so that it stands for `new`."""
    from ruamel.yaml.comments import CommentedMap

    if isinstance(written, CommentedMap) and isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() - new.keys() & written.keys():
            del written[key]
        for place, (key, value) in enumerate(new.items()):
            if key in written:
                if key not in old or old[key] != value:
                    written[key] = _merged(written[key], old.get(key), value)
            elif key not in old or old[key] != value:
                written.insert(min(place, len(written)), _quoted(key), _quoted(value))
        return written
    lists = isinstance(written, list) and isinstance(old, list) and isinstance(new, list)
    if lists and new and len(written) == len(old):  # a list that has become empty is written as []
        matcher = SequenceMatcher(None, [*map(repr, old)], [*map(repr, new)], autojunk=False)
        for _, i, j, k, m in reversed([code for code in matcher.get_opcodes() if code[0] != "equal"]):
            for place in range(j - 1, i + (m - k) - 1, -1):
                del written[place]
            for step, value in enumerate(new[k:m]):
                if step < j - i:
                    written[i + step] = _merged(written[i + step], old[i + step], value)
                else:
                    written.insert(i + step, _quoted(value))
        return written
    return _quoted(new)


def _quoted(value: Any) -> Any:
    """A plain value in which texts that a reader of YAML 1.1 would take for something else, such as 'no', have
    quotes; `ruamel.yaml` writes YAML 1.2."""
    if isinstance(value, dict):
        return {_quoted(key): _quoted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_quoted(inner) for inner in value]
    if isinstance(value, str) and _RESOLVER.resolve(yaml.ScalarNode, value, (True, False)) != _TEXT:
        from ruamel.yaml.scalarstring import SingleQuotedScalarString

        return SingleQuotedScalarString(value)
    return value
