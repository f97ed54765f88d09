"""A server as users meet it: a real uvicorn on a free port of this machine, in a thread or in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
import uvicorn

from kdsl.serving.app import build_app
from kdsl.serving.services import Services
from kdsl.serving.settings import ServerSettings

PATIENCE = 120
"""Seconds until a test gives up on a server; none is spent by one that works."""


@dataclass
class Running:
    """A server that runs in a thread of this process."""

    client: httpx.Client
    services: Services

    @property
    def url(self) -> str:
        return str(self.client.base_url)


@contextmanager
def running(settings: ServerSettings, *, held: bool = False, key: str = "") -> Iterator[Running]:
    """Run a server; it predicts when the block begins, or its model is held up by the lock `held_up` gives.

    Args:
        key: what its client sends.
    """
    app = build_app(settings)
    if held:
        app.state.services.bundles._first._lock.acquire()
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        port = server.servers[0].sockets[0].getsockname()[1]
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, headers=headers) as client:
            if not held:
                wait_until(lambda: client.get("/readyz").status_code == 200)
            yield Running(client, app.state.services)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


def held_up(started: Running) -> Any:
    """The lock that a batch waits for: the recogniser's own."""
    bundles = started.services.bundles
    return (bundles.current.recognizer if bundles.ready else bundles._first)._lock


def wait_until(done: object, what: str = "it") -> None:
    """Ask until the answer is yes."""
    until = time.monotonic() + PATIENCE
    while not done():  # type: ignore[operator]
        assert time.monotonic() < until, f"{what} did not come"
        time.sleep(0.02)


@dataclass
class Process:
    """`kdsl serve` in a process of its own; what it logs is in `log`."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    log: Path

    def kill(self) -> None:
        """As the system does it: without a word."""
        self.process.kill()
        self.process.wait(PATIENCE)


@contextmanager
def serving(bundle: Path, log: Path, *words: str) -> Iterator[Process]:
    """Run `kdsl serve` until it is ready; it is killed after the block."""
    with log.open("ab") as file:
        process = start(bundle, file, *words)
    try:
        wait_until(lambda: _port(log) or process.poll() is not None, "the server's port")
        assert process.poll() is None, log.read_text("utf-8")
        with httpx.Client(base_url=f"http://127.0.0.1:{_port(log)}", timeout=PATIENCE) as client:
            wait_until(lambda: client.get("/readyz").status_code == 200, "readiness")
            yield Process(process, client, log)
    finally:
        process.kill()
        process.wait(PATIENCE)


def start(bundle: Path, log: IO[bytes], *words: str) -> subprocess.Popen[bytes]:
    """Start `kdsl serve` on a free port."""
    command = [sys.executable, "-m", "kdsl", "serve", "--bundle", str(bundle), "--port", "0", *words]
    return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"})


def _port(log: Path) -> int | None:
    found = re.findall(r"running on http://127\.0\.0\.1:(\d+)", log.read_text("utf-8"))
    return int(found[-1]) if found else None


def said(*texts: str, **others: object) -> dict[str, object]:
    """A sample as it is sent: what a user says."""
    return {"turns": [{"text": text} for text in texts], **others}
