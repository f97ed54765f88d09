"""`kdsl predict` over many lines, beside a loop over `Recognizer.predict`: lines per second, and memory.

    python benchmarks/bulk.py --bundle BUNDLE --data DIALOGUES --lines 10000 100000     # fresh lines of both sizes
    python benchmarks/bulk.py --bundle BUNDLE --data DIALOGUES --lines 1000000 --alone  # one long run, no peer

Lines are the file's texts, each with a number of its own, so that no text stands twice. kdsl runs as users run it, in a
process of its own with its default workers, and writes JSON lines or Parquet. Its memory is the sum over the command
and its processes (proportional set size, by which pages that they share count once), looked at four times a second. The
peer predicts the first `PEER` of the same lines one by one, with the same bundle, in one process.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import psutil

from kdsl import Recognizer, Sample
from kdsl.data.readers import read_files
from kdsl.encoders.cache import nothing_kept

PEER = 1000
"""Lines that the loop predicts; it takes the same time for each."""
MIB = 1 << 20


def made(data: Path, bundle: Path, lines: int, path: Path) -> Path:
    """A file of so many rows, each unlike all others."""
    with Recognizer.load(bundle) as recognizer:
        samples = [sample for sample in read_files([data], list(recognizer.tasks.values())) if sample.turns]
    with path.open("w", encoding="utf-8") as file:
        for number, sample in enumerate(islice(cycle(samples), lines)):
            turns = [{"role": turn.role, "content": turn.raw.replace("<image>", "")} for turn in sample.turns]
            turns[-1]["content"] += f" {number}"
            row = {"id": f"r{number}", "task": sample.task, "messages": turns, "label": None}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def memory(process: psutil.Process) -> tuple[float, float, float]:
    """MiB of a process and its children together, and of the process alone; seconds of their processor time."""
    total = own = seconds = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            held, times = one.memory_full_info().pss / MIB, one.cpu_times()
        except psutil.Error:  # it has just ended
            continue
        total, seconds = total + held, seconds + times.user + times.system
        own += held if one is process else 0.0
    return total, own, seconds


def run(bundle: Path, data: Path, out: Path, lines: int) -> float:
    """Predict a file as a user does; prints what it took, and returns lines per second of the wall."""
    start = time.perf_counter()
    words = [sys.executable, "-m", "kdsl", "-q", "predict", "--bundle", bundle, "--data", data, "--out", out]
    process = psutil.Popen(list(map(str, words)), env=os.environ | {"OMP_NUM_THREADS": "1"})
    held: list[tuple[float, float, float]] = []
    while process.poll() is None:
        try:
            held.append(memory(process))
        except psutil.Error:
            break
        time.sleep(0.25)
    assert process.wait() == 0
    took = time.perf_counter() - start
    quarter = max(1, len(held) // 4)
    peaks = [max(row[0] for row in part) for part in (held[quarter : 2 * quarter], held[-quarter:])]
    cpu = max(row[2] for row in held)
    print(
        f"{lines:9,} lines to {out.suffix:8s} {took:8.1f} s  {lines / took:7.1f} lines/s  {cpu:8.1f} s of processors "
        f"({cpu / took:.2f} at work, {lines / cpu:.0f} lines per s of them)\n"
        f"          memory: {max(row[0] for row in held):.0f} MiB at most, of which the command itself "
        f"{max(row[1] for row in held):.0f}; {peaks[0]:.0f} in the second quarter, {peaks[1]:.0f} in the last; "
        f"output {out.stat().st_size / MIB:.0f} MiB",
        flush=True,
    )
    return lines / took


def peer(bundle: Path, data: Path) -> float:
    """The loop that anybody would write first, without what it takes to load the bundle; lines per second."""
    with Recognizer.load(bundle) as recognizer, data.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in islice(file, PEER)]
        samples = [
            Sample.dialogue(
                [(turn["role"], turn["content"]) for turn in row["messages"]], task=row["task"], id=row["id"]
            )
            for row in rows
        ]
        recognizer.predict(samples[0])
        start, cpu = time.perf_counter(), time.process_time()
        for sample in samples:
            with nothing_kept():
                json.dumps(recognizer.predict(sample).to_json(), ensure_ascii=False)
        took, busy = time.perf_counter() - start, time.process_time() - cpu
    count = len(samples)
    print(
        f"{count:9,} lines by a loop     {took:8.1f} s  {count / took:7.1f} lines/s  {busy:8.1f} s of a processor "
        f"({count / busy:.0f} lines per s of it)",
        flush=True,
    )
    return count / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="dialogues, whose texts the lines are made of")
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--to", choices=["jsonl", "parquet"], default="jsonl")
    parser.add_argument("--alone", action="store_true", help="without the peer")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, rate = Path(folder) / "in.jsonl", 0.0
        for lines in arguments.lines:
            made(arguments.data, arguments.bundle, lines, data)
            rate = run(arguments.bundle, data, Path(folder) / f"out-{lines}.{arguments.to}", lines)
        if not arguments.alone:
            print(f"kdsl predict is {rate / peer(arguments.bundle, data):.1f} times as fast")


if __name__ == "__main__":
    main()
