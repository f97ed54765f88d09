"""The cache on disk: one small JSON file per entry, named by the hash of a picture's content.

Many processes may read and write it at the same time: an entry is written to a temporary file and renamed, so a
reader sees either a complete entry or none. An entry that cannot be parsed counts as missing.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from kdsl.files import atomic_write


def content_key(path: Path) -> str:
    """A hash of a file's content, so a copied or renamed picture keeps its entries."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()


class Cache:
    """Entries, grouped in spaces: `root/<space>/<first two digits of the key>/<key>.json`.

    The name of a space identifies what its entries depend on besides the picture (backend, version, settings).
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, space: str, key: str) -> Path:
        """The path of an entry, whether it exists or not."""
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
