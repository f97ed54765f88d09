"""Predicts a file in processes that are killed, each at a moment drawn by its number, until one comes to its end.

    python killed_bulk.py BUNDLE DATA OUT KILLS

A moment is a line that is written (the kill comes before it, in its middle, or after it), a row that is set aside, or
the replacement of a file. Prints how many were killed in which way. Blocks are of four samples.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from kdsl.ensemble import predict_file as module
from kdsl.ensemble.blocks import in_this_process
from kdsl.ensemble.bundle import open_bundle
from kdsl.ensemble.predictions import Predictions
from kdsl.ensemble.predictor import Predictor

MOST = 9
"""A process is killed at one of its first so many lines."""
LINES, REPLACEMENTS = ("before", "torn", "after"), ("replace", "replaced")
"""Ways to be killed: at a line, by all but the last six; before or after a file is replaced, by those."""


def killed() -> None:
    """End this process as the system does it: without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(moment: int, way: str) -> None:
    """Let this process be killed at its n-th moment of a kind."""
    left = moment
    add, set_aside = Predictions.add, Predictions.set_aside

    def added(self: Predictions, row: int, line: str) -> None:
        nonlocal left
        left -= 1
        if left == 0 and way == "torn":
            with self._lines.open("ab") as file:
                file.write(line.encode()[: len(line) // 2])
        if left == 0 and way != "after":
            killed()
        add(self, row, line)
        if left == 0:
            killed()

    def put_aside(self: Predictions, *row: Any) -> None:
        nonlocal left
        set_aside(self, *row)
        left -= 1
        if left == 0:
            killed()

    def replacing(do: Any) -> Any:
        def replace(source: Any, target: Any) -> None:
            if way == "replaced":
                do(source, target)
            killed()

        return replace

    if way in REPLACEMENTS:
        os.replace, Path.replace = replacing(os.replace), replacing(Path.replace)  # type: ignore[method-assign]
    else:
        Predictions.add, Predictions.set_aside = added, put_aside  # type: ignore[method-assign]


def main(bundle: str, data: str, out: str, kills: int) -> None:
    """Predict, killed as often as that, and once more to the end."""
    opened, target = open_bundle(Path(bundle)), Path(out)
    predictor = Predictor(opened)
    module.BLOCK = 4
    lines = target if target.suffix == ".jsonl" else target.with_name(target.name + ".partial.jsonl")
    counts: Counter[str] = Counter()
    for number in range(kills + 1):
        rng = random.Random(number)
        way = "not at all" if number == kills else LINES[number % 3] if number < kills - 6 else REPLACEMENTS[number % 2]
        if kills - 6 <= number < kills - 2:  # lines are lost, whose successors have to make room for others
            kept = lines.read_bytes().splitlines(keepends=True)
            lines.write_bytes(b"".join(kept[:3] + kept[5:]))
        child = os.fork()
        if child == 0:
            if number < kills:
                die_at(rng.randint(1, MOST), way)
            module.predict_file(opened, Path(data), Path(), None, target, in_this_process(lambda: predictor))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert status in (0, signal.SIGKILL), status
        if status:
            counts[way] += 1
    print(json.dumps(counts))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
