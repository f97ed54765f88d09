"""The pages that the screen's navigation names, in its order."""

from __future__ import annotations

from dataclasses import dataclass

from kdsl.serving.keys import Role
from kdsl.serving.screen.paths import ROOT


@dataclass(frozen=True)
class Entry:
    """A page: its address, the key of its name among the messages, and the role that its visitor needs."""

    path: str
    name: str
    role: Role


NAVIGATION = (
    Entry(f"{ROOT}/predict", "nav_predict", "predict"),
    Entry(f"{ROOT}/rules", "nav_rules", "read"),
    Entry(f"{ROOT}/report", "nav_report", "read"),
    Entry(f"{ROOT}/queue", "nav_queue", "label"),
    Entry(f"{ROOT}/refit", "nav_refit", "admin"),
)
