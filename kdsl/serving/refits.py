"""`Refits`: makes a candidate of the served bundle and its corrections, in a process of its own.

What it did stands in the candidate's folder, so that a server that was stopped goes on with it when it is asked again.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from typing import Literal

from pydantic import BaseModel

from kdsl.corrections.comparison import Comparison
from kdsl.corrections.refit import next_candidate
from kdsl.ensemble.bundle import Bundle
from kdsl.files import write_json
from kdsl.serving.settings import ServerSettings

State = Literal["none", "running", "stopped", "failed", "finished"]
LINES = 12
"""The last ones of what a refit logs that are kept."""
STOP = 10.0
"""Seconds that a refit has to end before it is killed; it loses no step that was finished."""


class Running(Exception):
    """A refit is running."""


class _Record(BaseModel):
    candidate: str


class Refits:
    """The refits of a server, one at a time."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._folder = settings.bundle.resolve().parent
        self._file = settings.state_folder / "refit.json"
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._lines: deque[str] = deque(maxlen=LINES)
        self._starting = asyncio.Lock()

    @property
    def candidate(self) -> str | None:
        """The name of the candidate that was made last, or is being made."""
        try:
            return _Record.model_validate(json.loads(self._file.read_text("utf-8"))).candidate
        except (OSError, ValueError):  # nothing depends on it: the next refit writes it anew
            return None

    @property
    def lines(self) -> list[str]:
        """What the refit of this run of the server logged last."""
        return list(self._lines)

    @property
    def comparison(self) -> Comparison | None:
        """How the candidate compares, once that is known.

        Raises:
            BundleError: it cannot be read.
        """
        return Comparison.of_candidate(self._folder / self.candidate) if self.candidate else None

    @property
    def state(self) -> State:
        """What became of the candidate."""
        if self._process is not None and self._process.returncode is None:
            return "running"
        if self.comparison is not None and not (self._process is not None and self._process.returncode):
            return "finished"
        if self._process is not None and self._process.returncode and self._process.returncode > 0:
            return "failed"
        return "none" if self.candidate is None else "stopped"

    async def start(self, bundle: Bundle) -> None:
        """Begin with a candidate for the place of a bundle, or go on with an unfinished one.

        Raises:
            Running: one is being made.
        """
        async with self._starting:
            if self.state == "running":
                raise Running
            out = await asyncio.to_thread(next_candidate, bundle)
            await asyncio.to_thread(write_json, self._file, {"candidate": out.name})
            self._lines.clear()
            feedback = self._settings.state_folder / "feedback.sqlite"
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "kdsl.corrections.process", str(bundle.folder), str(feedback), str(out),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            self._watch = asyncio.create_task(self._follow(self._process))

    async def stop(self) -> None:
        """End the refit; asked to start, the server goes on with it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def close(self) -> None:
        """End the refit with the server."""
        await self.stop()
        if self._watch is not None:
            await self._watch

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while chunk := await process.stderr.readline():
            if line := chunk.decode("utf-8", "replace").strip():
                self._lines.append(line)
        await process.wait()
