"""docs/cli.md is what the command line says."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_is_current() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "cli_reference.py"))
    current = (ROOT / "docs" / "cli.md").read_text("utf-8")
    assert current == script["reference"](), "run: python scripts/cli_reference.py"
