"""`Batcher`: turns requests that come one by one into batches for one model, which runs in a thread of its own.

While the model works on a batch, requests gather; the next batch is made of them, the oldest first, as far as its
tokens and pixels allow. So one client alone waits for nobody, and many share a forward. Nothing is kept that nobody
waits for: who has left, or whose deadline has passed, is dropped before the model is asked.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

LONGEST_RETRY = 60
"""Seconds that a client is told to wait at most."""


class Overloaded(Exception):
    """There is no room for another item; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


class Expired(Exception):
    """An item's deadline passed before it was answered."""


class Closed(Exception):
    """The batcher takes nothing any more."""


@dataclass(frozen=True)
class Cost:
    """What one item adds to a batch."""

    tokens: int
    pixels: int


@dataclass(frozen=True)
class Bounds:
    """The most that one batch may hold; an item that is larger than that goes alone."""

    items: int
    tokens: int
    pixels: int


@dataclass(frozen=True)
class Answer(Generic[Out]):
    """What came of an item. `waited` and `took` are seconds: before its batch, and of its batch in the model."""

    value: Out
    waited: float
    took: float
    together: int
    """Items of its batch."""


@dataclass(eq=False)
class _Waiting(Generic[In, Out]):
    item: In
    cost: Cost
    deadline: float
    future: asyncio.Future[Answer[Out]]
    since: float = field(default_factory=monotonic)

    @property
    def wanted(self) -> bool:
        return not self.future.done() and monotonic() < self.deadline


class Batcher(Generic[In, Out]):
    """Batches for `run`, which maps items to results in their order, or raises.

    If it raises for several, each is tried alone, so that the item at fault alone gets the error.

    Args:
        most: items that may be admitted and not answered yet.
        told: called after each batch with (items, seconds in the model).
    """

    def __init__(
        self,
        run: Callable[[Sequence[In]], Sequence[Out]],
        bounds: Bounds,
        most: int,
        told: Callable[[int, float], None] = lambda items, seconds: None,
    ) -> None:
        self._run, self._bounds, self._most, self._told = run, bounds, most, told
        self._queue: deque[_Waiting[In, Out]] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "kdsl-model")
        self._seconds = 0.0
        self._closing = False
        self.admitted = 0
        """Items that are being read, are waiting, or are in the model."""
        self._worker = asyncio.create_task(self._work())

    @property
    def depth(self) -> int:
        """Items that wait for the model."""
        return len(self._queue)

    @contextmanager
    def admission(self, items: int) -> Iterator[None]:
        """Hold room for items from before they are read until they are answered.

        Raises:
            Overloaded: there is none.
            Closed: the batcher is closed.
        """
        if self._closing:
            raise Closed
        if self.admitted + items > self._most:
            seconds = math.ceil(self.admitted * self._seconds)
            raise Overloaded(min(max(seconds, 1), LONGEST_RETRY))
        self.admitted += items
        try:
            yield
        finally:
            self.admitted -= items

    async def submit(self, item: In, cost: Cost, deadline: float) -> Answer[Out]:
        """The result of an item that has been admitted.

        Args:
            deadline: by the clock `time.monotonic`.

        Raises:
            Expired: the deadline has passed; the model may not have been asked.
            Exception: what `run` raised for this item.
        """
        waiting = _Waiting[In, Out](item, cost, deadline, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._arrived.set()
        try:
            async with asyncio.timeout(max(deadline - monotonic(), 0)):
                return await waiting.future
        except TimeoutError as error:
            raise Expired from error
        finally:
            if waiting in self._queue:  # the client left, or the deadline passed
                self._queue.remove(waiting)

    async def close(self) -> None:
        """Finish what has been admitted, then end the thread."""
        self._closing = True
        while self.admitted:
            await asyncio.sleep(0.01)
        self._worker.cancel()
        await asyncio.to_thread(self._thread.shutdown)  # it waits for a batch that nobody waits for any more

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            batch = self._take()
            if not batch:
                self._arrived.clear()
                continue
            start = monotonic()
            results = await loop.run_in_executor(self._thread, self._run_all, batch)
            took = monotonic() - start
            self._seconds += 0.2 * (took / len(batch) - self._seconds)  # a moving mean
            self._told(len(batch), took)
            for waiting, result in zip(batch, results, strict=True):
                if waiting.future.done():
                    continue
                if isinstance(result, Exception):
                    waiting.future.set_exception(result)
                else:
                    waiting.future.set_result(Answer(result, start - waiting.since, took, len(batch)))

    def _take(self) -> list[_Waiting[In, Out]]:
        """The oldest items, as many as one batch may hold."""
        batch: list[_Waiting[In, Out]] = []
        tokens = pixels = 0
        while self._queue and len(batch) < self._bounds.items:
            waiting = self._queue[0]
            tokens += waiting.cost.tokens
            pixels += waiting.cost.pixels
            if batch and (tokens > self._bounds.tokens or pixels > self._bounds.pixels):
                break
            self._queue.popleft()
            if waiting.wanted:
                batch.append(waiting)
            else:
                tokens -= waiting.cost.tokens
                pixels -= waiting.cost.pixels
        return batch

    def _run_all(self, batch: Sequence[_Waiting[In, Out]]) -> list[Out | Exception]:
        """Results, or what was raised, of each; runs in the model's thread."""
        try:
            return list(self._run([waiting.item for waiting in batch]))
        except Exception as error:
            return [error] if len(batch) == 1 else [self._run_one(waiting) for waiting in batch]

    def _run_one(self, waiting: _Waiting[In, Out]) -> Out | Exception:
        if not waiting.wanted:
            return Expired()
        try:
            return self._run([waiting.item])[0]
        except Exception as error:
            return error
