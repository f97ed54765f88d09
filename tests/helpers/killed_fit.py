"""Fits a light bundle in processes that are killed, each before or after it puts a file or folder into its place.

    python killed_fit.py OUT KILLS

Prints how many were killed. A further process comes to its end.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from helpers.light_shop import OVERRIDES, labelled
from kdsl import Recognizer
from kdsl.config_file import load_config
from kdsl.encoders.registry import text_encoder

MOST = 5
"""A process is killed at one of its first so many replacements."""


def die_at(moment: int, way: str) -> None:
    """Let this process be killed at its n-th replacement of a file or a folder."""
    left = moment

    def dying(do: Any) -> Any:
        def replaced(source: Any, target: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0 and way == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            found = do(source, target)
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        return replaced

    os.replace, Path.replace = dying(os.replace), dying(Path.replace)  # type: ignore[method-assign]


def main(out: str, kills: int) -> None:
    """Fit, killed as often as that, and once more to the end."""
    config, samples = load_config("configs/nano.yaml", OVERRIDES), labelled()
    for name in config.encoders.text:
        text_encoder(name).encode(["a"])  # loaded once, and not in each process
    killed = 0
    for number in range(kills + 1):
        child = os.fork()
        if child == 0:
            rng = random.Random(number)
            if number < kills:
                die_at(rng.randint(1, MOST), rng.choice(("before", "after")))
            Recognizer.fit(samples, out=out, config=config).close()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert status in (0, signal.SIGKILL), status
        killed += status == signal.SIGKILL
    print(json.dumps({"killed": killed}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
