"""How long the light commands take to answer: `kdsl --help` and `kdsl rules list` (goal: under half a second).

Run: python benchmarks/startup.py
The peer is `python -c pass`, which no command can be faster than.
"""

from __future__ import annotations

import subprocess
import sys
import time

ROUNDS = 7


def seconds(arguments: list[str]) -> float:
    """Median wall time of a command."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return sorted(times)[ROUNDS // 2]


def main() -> None:
    bare = seconds(["-c", "pass"])
    print(f"{'python -c pass':20s} {bare:.3f} s")
    for name, arguments in {"kdsl --help": ["--help"], "kdsl rules list": ["rules", "list"]}.items():
        took = seconds(["-m", "kdsl", *arguments])
        print(f"{name:20s} {took:.3f} s  {took / bare:.1f} x python -c pass")


if __name__ == "__main__":
    main()
