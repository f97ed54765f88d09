"""`Keeper`: keeps samples that a person should look at, after their answer has gone out."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from kdsl.corrections.queue import Asked, Queue
from kdsl.corrections.store import StoreError
from kdsl.corrections.uncertain import Doubt
from kdsl.data.prediction import Prediction
from kdsl.data.sample import Sample

log = logging.getLogger(__name__)

MOST_WAITING = 64
"""Samples that wait to be written; further ones are not kept: no answer waits for the disk."""


class Keeper:
    """Writes to the queue in a thread of its own."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._thread = ThreadPoolExecutor(1, "kdsl-keeper")
        self._room = BoundedSemaphore(MOST_WAITING)

    def keep(self, sample: Sample, prediction: Prediction, version: str) -> None:
        """Keep a sample that was just predicted, if there is something to doubt in it."""
        if Doubt.of(prediction).why == "sure":
            return
        if not self._room.acquire(blocking=False):
            log.warning("a sample was not kept: the disk is behind")
            return
        turns = [(turn.role, turn.raw) for turn in sample.turns]
        pictures = [content for content in sample.pictures if isinstance(content, bytes)]
        self._thread.submit(self._write, Asked(prediction.task, turns, pictures, prediction, version, sample.id))

    def close(self) -> None:
        """Write what waits."""
        self._thread.shutdown()

    def _write(self, item: Asked) -> None:
        try:
            self._queue.add([item], "served")
        except StoreError as error:
            log.error("a sample was not kept: %s", error)
        finally:
            self._room.release()
