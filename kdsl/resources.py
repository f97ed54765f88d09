"""Paths of the files that ship with kdsl (configs/, knowledge_base/ and rules/) and of its cache.

In a checkout the files are at its top level; an installed wheel has them in kdsl/resources/.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from kdsl.errors import InputError

PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The path of a shipped file or folder, such as 'configs/nano.yaml' or 'knowledge_base'."""
    for root in (PACKAGE / "resources", PACKAGE.parent):
        if (root / name).exists():
            return root / name
    raise InputError(f"'{name}' is not among the files that ship with kdsl; reinstall the package.")


def default_cache_dir() -> Path:
    """`$KDSL_CACHE` if set, else the folder `kdsl` in the platform's cache folder (XDG on Linux)."""
    own = os.environ.get("KDSL_CACHE")
    return Path(own) if own else user_cache_path("kdsl", appauthor=False)
