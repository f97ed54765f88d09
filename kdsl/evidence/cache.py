"""The cache on disk: one small JSON file an entry, named by the hash of a picture's content.

Many processes may read and write it at once: an entry is written beside its place and renamed into it, so
that a reader sees a whole one or none. An entry that cannot be understood counts as missing.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from kdsl.runs import atomic_write


def content_key(path: Path) -> str:
    """A hash of a file's content: a picture that is copied or renamed keeps its entries."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()


class Cache:
    """Entries in spaces: `root/<space>/<first two digits of the key>/<key>.json`.

    A space is named after all that decides its entries besides the picture (backend, version, settings).
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, space: str, key: str) -> Path:
        """Where an entry lies, or would lie."""
        return self.root / space / key[:2] / f"{key}.json"

    def get(self, space: str, key: str) -> Any | None:
        """An entry, or None if it is missing or damaged."""
        try:
            return json.loads(self.path(space, key).read_bytes())
        except (OSError, ValueError):
            return None

    def put(self, space: str, key: str, value: Any) -> None:
        """Write an entry, replacing an older one.

        Raises:
            InputError: the folder cannot be written to.
        """
        atomic_write(self.path(space, key), json.dumps(value, ensure_ascii=False, separators=(",", ":")))
