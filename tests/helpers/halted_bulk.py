"""`kdsl predict` in blocks of four samples that halts after some lines until a file is there.

    python halted_bulk.py GO predict --bundle ...

It says so by a file `GO.waiting`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from kdsl.cli.main import main
from kdsl.ensemble import predict_file
from kdsl.ensemble.predictions import Predictions

LINES = 10


def halt(go: Path) -> None:
    """Let the run wait for `go` before it writes its next line but `LINES`."""
    add, written = Predictions.add, 0

    def added(self: Predictions, row: int, line: str) -> None:
        nonlocal written
        written += 1
        while written > LINES and not go.exists():
            go.with_name(f"{go.name}.waiting").touch()
            time.sleep(0.05)
        add(self, row, line)

    Predictions.add = added  # type: ignore[method-assign]


if __name__ == "__main__":
    predict_file.BLOCK = 4
    halt(Path(sys.argv.pop(1)))
    main()
