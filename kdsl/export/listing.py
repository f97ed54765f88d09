"""Lists the adapters in a folder, with their tasks, training data and base models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdsl.errors import InputError
from kdsl.models.adapters import weights_file


@dataclass(frozen=True)
class FoundAdapter:
    """An adapter's folder, relative to the folder that was searched, and details from its manifest."""

    folder: Path
    tasks: tuple[str, ...]
    samples: int
    base: str
    megabytes: float


def find_adapters(folder: Path) -> list[FoundAdapter]:
    """The finished adapters in a folder tree, sorted by their paths.

    Raises:
        InputError: there is none.
    """
    found = []
    for file in sorted(folder.rglob("manifest.json")):
        manifest = _read(file)
        if "tasks" in manifest and "base_fingerprint" in manifest and "halves" not in file.parts:
            samples = manifest.get("samples", {})
            size = weights_file(file.parent).stat().st_size / 1e6
            place = file.parent.relative_to(folder)
            found.append(FoundAdapter(place, tuple(manifest["tasks"]), sum(samples.values()), manifest["base"], size))
    if not found:
        raise InputError(f"{folder} holds no adapter; expected a bundle, or a folder that a training wrote.")
    return found


def adapters_table(found: Sequence[FoundAdapter]) -> Any:
    """The adapters as a rich table."""
    from rich.table import Table

    table = Table("adapter", "tasks", "samples", "base", "MB", box=None)
    for one in found:
        table.add_row(str(one.folder), ", ".join(one.tasks), str(one.samples), one.base, f"{one.megabytes:.1f}")
    return table


def _read(file: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}
