"""Suggestions for a picture that is not found: files in the image folder with nearly the same name."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePosixPath

_MOST = 200_000
"""Maximum number of files of the image folder that are considered."""


def why_missing(root: Path, name: str) -> str:
    """A hint for a picture that is not below `root`, to stand after a semicolon."""
    if not root.is_dir():
        return "that folder does not exist"
    files = _files(root, root.stat().st_mtime_ns)
    if not files.count:
        return "that folder is empty"
    posix = str(PurePosixPath(name.replace("\\", "/")))
    if alike := files.by_path.get(_plain(posix)):
        return f"there is '{alike[0]}': {_difference(name, alike[0])}"
    base = PurePosixPath(_plain(posix))
    same = files.by_name.get(base.name, [])
    inside = [path for path in same if _plain(posix).endswith("/" + _plain(path))]
    if inside:
        folder = posix[: -len(inside[0]) - 1]
        return f"there is '{inside[0]}': the path begins with '{folder}/', which is no part of that folder"
    if same:
        several = f" and {len(same) - 1} more of this name" if len(same) > 1 else ""
        return f"there is '{same[0]}'{several}, in another folder; paths start from the image folder"
    if endings := files.by_stem.get(base.stem):
        return f"there is '{endings[0]}', with another ending"
    return f"is it the right folder? It holds {files.count} file(s)"


def _difference(name: str, found: str) -> str:
    if name.replace("\\", "/") == found:
        return "write / instead of \\"
    if unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", found):
        return "its letters are stored in another form of Unicode (NFC or NFD, as macOS writes); rename it"
    if name.casefold() == found.casefold():
        return "upper and lower case count"
    return "it differs in case, signs or spaces at the ends"


def _plain(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold().strip()


@dataclass
class _Files:
    """The paths below a folder by their plain form: whole, the name alone, and the name without its ending."""

    count: int = 0
    by_path: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    by_name: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    by_stem: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


@lru_cache(maxsize=2)
def _files(root: Path, changed: int) -> _Files:
    """What lies below a folder; `changed` is when it was changed, so that a new look is taken after that."""
    found = _Files()
    for path in islice((path for path in root.rglob("*") if path.is_file()), _MOST):
        relative = path.relative_to(root).as_posix()
        plain = PurePosixPath(_plain(relative))
        found.count += 1
        found.by_path[str(plain)].append(relative)
        found.by_name[plain.name].append(relative)
        found.by_stem[plain.stem].append(relative)
    return found
