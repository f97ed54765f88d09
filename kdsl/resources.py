"""Where the files that ship with kdsl lie: configs/, knowledge_base/ and rules/.

In a checkout they stand at its top level; an installed wheel carries them in kdsl/resources/.
"""

from __future__ import annotations

from pathlib import Path

from kdsl.errors import InputError

PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The path of a shipped file or folder, such as 'configs/nano.yaml' or 'knowledge_base'."""
    for root in (PACKAGE / "resources", PACKAGE.parent):
        if (root / name).exists():
            return root / name
    raise InputError(f"'{name}' is not among the files that ship with kdsl; reinstall the package.")
