"""A cell of an ablation that kills its process; a module of its own, which a process imports in no time."""

from __future__ import annotations

import os


def die_in_a(cell: str) -> None:
    """Run the cells `b` and `c`, and not `a`."""
    if cell == "a":
        os._exit(9)
