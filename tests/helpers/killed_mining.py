"""Mines in processes that are killed, each at a moment drawn by its seed, until one comes to its end.

    python killed_mining.py MODEL SHOP OUT SEEDS [URL]

A moment is an append to a log (the kill comes before it, in the middle of its line, or after it) or the replacement of
a file. Prints how many processes were killed in which stage. With URL, a server is asked, else the model of the folder.
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

from helpers.tiny_catalogue import catalogue_at, mined_by_server
from kdsl.config import ModelConfig
from kdsl.encoders.registry import text_encoder
from kdsl.intentions import rules
from kdsl.intentions.log import RowLog
from kdsl.intentions.mine import mine, open_backend

MOST = 8
"""A process is killed at one of its first so many moments."""


def die_at(moment: int, way: str) -> None:
    """Let this process be killed at its n-th moment."""
    left = moment
    append, replace = RowLog.append, os.replace

    def appended(log: RowLog, key: Any, **values: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0 and way == "torn":
            log._file.write(json.dumps({"key": key, **values}).encode()[:17])
            log._file.flush()
        if left == 0 and way != "after":
            os.kill(os.getpid(), signal.SIGKILL)
        append(log, key, **values)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def replaced(source: Any, target: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0 and way != "after":
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    RowLog.append = appended  # type: ignore[method-assign]
    os.replace = replaced  # type: ignore[assignment]


def stage_of(out: Path) -> str:
    """The last stage that has begun."""
    names = ("documents", "verdicts", "candidates", "intentions", "features")
    return next((name for name in names if (out / f"{name}.jsonl").is_file()), "none")


def main(model: str, shop: str, out: str, seeds: int, url: str | None = None) -> None:
    """Mine, killed as often as there are seeds, and once more to the end."""
    rules.COMMON_PAIRS = 100  # a tiny model says the same of many pairs
    files, base = catalogue_at(Path(shop)), ModelConfig(source=model, device="cpu")
    settings = mined_by_server(files.settings(base), url) if url else files.settings(base)
    backend = open_backend(settings)
    text_encoder(settings.judge.encoder)  # once, and not in each process
    killed: Counter[str] = Counter()
    for seed in range(seeds + 1):
        child = os.fork()
        if child == 0:
            rng = random.Random(seed)
            if seed < seeds:
                die_at(rng.randint(1, MOST), rng.choice(("before", "torn", "after")))
            mine(backend, [files.products], files.pairs, files.images, Path(out), settings)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            killed[stage_of(Path(out))] += 1
        elif os.WEXITSTATUS(status):
            sys.exit(f"seed {seed} failed")
    print(json.dumps(killed))


if __name__ == "__main__":
    given = sys.argv[1:]
    main(given[0], given[1], given[2], int(given[3]), *given[4:5])
