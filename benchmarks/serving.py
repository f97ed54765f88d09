"""`kdsl serve` under load, beside the same model in a plain FastAPI handler without batching.

    python benchmarks/serving.py load --bundle BUNDLE --data DIALOGUES      # throughput and latency at 1, 8, 64 clients
    python benchmarks/serving.py share --bundle BUNDLE --data DIALOGUES     # the server's own share of a request
    python benchmarks/serving.py overload --bundle BUNDLE --data DIALOGUES  # many more clients than the queue holds
    python benchmarks/serving.py memory --bundle BUNDLE --data DIALOGUES    # resident memory over minutes
    python benchmarks/serving.py cost --bundle BUNDLE --data DIALOGUES      # processor time and memory per prediction

Servers and clients are processes of this machine. No text is sent twice, and neither side keeps vectors of texts.
Clients wait for an answer before they ask again; each keeps one connection.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import psutil
import uvicorn
from fastapi import FastAPI

from kdsl import Recognizer, Sample
from kdsl.data.readers import read_files
from kdsl.encoders.cache import nothing_kept
from kdsl.serving.schemas import Item
from kdsl.world.screens import draw_screen, families

WARM_UP = 3.0
"""Seconds before anything is counted."""


@dataclass
class Measured:
    """What clients saw."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    """Seconds of each answered request, whatever the answer."""
    statuses: Counter[int] = field(default_factory=Counter)
    own: list[float] = field(default_factory=list)
    """Seconds of each predicted request that were not spent in the model."""
    sent: int = 0
    """Requests answered, those before the count began among them."""

    def row(self) -> str:
        ok = self.statuses[200]
        p50, p95, p99 = np.percentile(np.array(self.latencies) * 1000, [50, 95, 99])
        others = {status: count for status, count in self.statuses.items() if status != 200}
        return f"{ok / self.seconds:7.1f} predictions/s   p50 {p50:7.1f}  p95 {p95:7.1f}  p99 {p99:7.1f} ms" + (
            f"   {others}" if others else ""
        )


class Client:
    """One connection that asks and waits."""

    def __init__(self, port: int, bodies: Iterator[bytes]) -> None:
        self._port, self._bodies = port, bodies

    async def run(self, start: float, end: float, found: Measured) -> None:
        """Ask until `end`; what was asked after `start` counts."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while (asked := time.perf_counter()) < end:
            body = next(self._bodies)
            writer.write(
                b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = re.search(r"content-length: (\d+)", head)
            answer = await reader.readexactly(int(length[1]) if length else 0)
            took = time.perf_counter() - asked
            status = int(head.split()[1])
            found.sent += 1
            if asked >= start:
                found.latencies.append(took)
                found.statuses[status] += 1
                if status == 200 and (model := json.loads(answer).get("model_ms")) is not None:
                    found.own.append(took - model / 1000)
            if status == 429:
                await asyncio.sleep(0.05)
        writer.close()


async def measure(port: int, bodies: Iterator[bytes], clients: int, seconds: float) -> Measured:
    """Load a server with some clients."""
    start = time.perf_counter() + WARM_UP
    found = Measured(seconds)
    await asyncio.gather(*(Client(port, bodies).run(start, start + seconds, found) for _ in range(clients)))
    return found


def bodies_of(data: Path, bundle: Path) -> Iterator[bytes]:
    """Requests of the file's dialogues, without their pictures, each made unlike all others."""
    with Recognizer.load(bundle) as recognizer:
        samples = [sample for sample in read_files([data], list(recognizer.tasks.values())) if sample.turns]
    for number in itertools.count():
        sample = samples[number % len(samples)]
        turns = [{"role": turn.role, "text": turn.raw.replace("<image>", "")} for turn in sample.turns]
        turns[-1]["text"] += f" {number}"
        yield json.dumps({"task": sample.task, "turns": turns}, ensure_ascii=False).encode()


@contextmanager
def server(kind: str, bundle: Path, *options: str) -> Iterator[tuple[int, psutil.Process]]:
    """A server of one kind, in a process of its own: its port, and the process; `options` are of `kdsl serve`."""
    words = [sys.executable, "-m", "kdsl", "serve", "--port", "0"]
    if kind == "plain":
        words = [sys.executable, __file__, "plain"]
    with tempfile.TemporaryDirectory() as folder:
        log, words = Path(folder) / "log", [*words, "--bundle", str(bundle)]
        if kind != "plain":
            words += ["--state", str(Path(folder) / "state"), *options]
        with log.open("wb") as file:
            process = subprocess.Popen(words, stdout=file, stderr=file, env=os.environ | {"OMP_NUM_THREADS": "1"})
        try:
            while not (port := re.search(r"running on http://127\.0\.0\.1:(\d+)", log.read_text("utf-8"))):
                assert process.poll() is None, log.read_text("utf-8")
                time.sleep(0.1)
            first = {"turns": [{"text": "hello"}]}
            while httpx.post(f"http://127.0.0.1:{port[1]}/v1/predict", json=first, timeout=None).status_code != 200:
                time.sleep(0.1)  # the model is loaded by its first prediction
            yield int(port[1]), psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


def plain(bundle: Path) -> None:
    """The handler that anybody would write first: one prediction per request, in FastAPI's threads."""
    recognizer, app = Recognizer.load(bundle), FastAPI()

    @app.post("/v1/predict")
    def predict(item: Item) -> dict:
        turns = [(turn.role, turn.text) for turn in item.turns]
        with nothing_kept():
            return recognizer.predict(Sample.dialogue(turns, task=item.task or "")).to_json()

    uvicorn.run(app, port=0, access_log=False)


def load(arguments: argparse.Namespace) -> None:
    bodies = bodies_of(arguments.data, arguments.bundle)
    found = {}
    for kind in ("plain", "kdsl serve"):
        with server(kind, arguments.bundle) as (port, _):
            for clients in arguments.clients or (1, 8, 64):
                measured = asyncio.run(measure(port, bodies, clients, arguments.seconds))
                found[kind, clients] = measured.statuses[200] / measured.seconds
                print(f"{kind:10s} {clients:3d} clients {measured.row()}", flush=True)
    for clients in arguments.clients or (1, 8, 64):
        ratio = found["kdsl serve", clients] / found["plain", clients]
        print(f"{clients:3d} clients: {ratio:.2f} x the plain handler's throughput")


def share(arguments: argparse.Namespace) -> None:
    with server("kdsl serve", arguments.bundle) as (port, _):
        measured = asyncio.run(measure(port, bodies_of(arguments.data, arguments.bundle), 1, arguments.seconds))
    p50, p95, p99 = np.percentile(np.array(measured.own) * 1000, [50, 95, 99])
    print(f"  1 client  {measured.row()}")
    print(
        f"of which not in the model: p50 {p50:.2f}  p95 {p95:.2f}  p99 {p99:.2f} ms over {len(measured.own)} requests"
    )


def overload(arguments: argparse.Namespace) -> None:
    clients = (arguments.clients or [600])[0]
    with server("kdsl serve", arguments.bundle) as (port, _):
        bodies = bodies_of(arguments.data, arguments.bundle)
        measured = asyncio.run(measure(port, bodies, clients, arguments.seconds))
    print(f"{clients} clients {measured.row()}   longest {max(measured.latencies):.1f} s")


@dataclass
class Used:
    """What a server and its readers of pictures have used so far."""

    processor: float
    """Seconds."""
    resident: float
    """MiB, shared pages counted once per process."""

    @classmethod
    def of(cls, server: psutil.Process) -> Used:
        processes = [server, *server.children(recursive=True)]
        times = [process.cpu_times() for process in processes]
        return cls(
            sum(time.user + time.system for time in times),
            sum(process.memory_info().rss for process in processes) / (1 << 20),
        )


def with_screens(bodies: Iterator[bytes], count: int) -> Iterator[bytes]:
    """The same requests, each with one of some screens of the synthetic world, changed in a pixel."""
    screens = [
        draw_screen(label, random.Random(17), scale=2).image.convert("RGB") for label in sorted(families())[:count]
    ]
    for number, body in enumerate(bodies):
        picture = screens[number % len(screens)].copy()
        picture.putpixel((number % picture.width, 0), (number % 256, 0, 0))
        stream = BytesIO()
        picture.save(stream, "JPEG", quality=88)
        request = json.loads(body)
        request["turns"][-1]["text"] += " <image>"
        yield json.dumps(request | {"pictures": [base64.b64encode(stream.getvalue()).decode()]}).encode()


def cost(arguments: argparse.Namespace) -> None:
    bodies = bodies_of(arguments.data, arguments.bundle)
    kinds = [("text", bodies, clients) for clients in arguments.clients or (1, 64)]
    kinds.append(("text and screen", with_screens(bodies, 12), 2))
    for kind, asked, clients in kinds:
        # on a machine that is shared a picture may take longer than clients wait; its processor time is the same
        with server("kdsl serve", arguments.bundle, "--timeout", "600") as (port, process):
            asyncio.run(measure(port, asked, clients, 0))  # what is loaded by the first requests is no cost of others
            before = Used.of(process)
            measured = asyncio.run(measure(port, asked, clients, arguments.seconds))
            after = Used.of(process)
        spent = (after.processor - before.processor) * 1000 / max(measured.sent, 1)
        print(
            f"{kind:15s} {clients:3d} clients {measured.row()}\n"
            f"    {spent:.2f} ms of processor time per request over {measured.sent}, "
            f"{before.resident:.0f} to {after.resident:.0f} MiB resident",
            flush=True,
        )


def memory(arguments: argparse.Namespace) -> None:
    clients = (arguments.clients or [8])[0]

    async def watch(port: int, process: psutil.Process) -> list[float]:
        bodies = bodies_of(arguments.data, arguments.bundle)
        loaded = asyncio.create_task(measure(port, bodies, clients, arguments.seconds))
        sizes = []
        while not loaded.done():
            await asyncio.wait([loaded], timeout=5)
            sizes.append(process.memory_info().rss / (1 << 20))
        print(f"{clients:3d} clients {(await loaded).row()}   longest {max((await loaded).latencies):.1f} s")
        return sizes

    with server("kdsl serve", arguments.bundle) as (port, process):
        sizes = asyncio.run(watch(port, process))
    third = len(sizes) // 3
    first, last = np.mean(sizes[third : 2 * third]), np.mean(sizes[2 * third :])
    print(f"resident MiB: second third {first:.0f}, last third {last:.0f}, most {max(sizes):.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["load", "share", "overload", "memory", "cost", "plain"])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="a file of dialogues")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument(
        "--clients", type=int, nargs="+", help="at once; by default 1, 8 and 64, of overload 600, of memory 8"
    )
    arguments = parser.parse_args()
    if arguments.what == "plain":
        plain(arguments.bundle)
    else:
        {"load": load, "share": share, "overload": overload, "memory": memory, "cost": cost}[arguments.what](arguments)


if __name__ == "__main__":
    main()
