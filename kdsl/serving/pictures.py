"""`Reader`: reads the pictures of one request in processes of their own, before the request joins the queue.

A picture of a stranger is refused by its header's size before it is decoded. It is decoded, measured and read by OCR
in another process, so a decoder that crashes ends that process and costs the request that sent the picture, no other.
Files are named by their content in a folder of the request, which is gone when it is answered.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from kdsl.child_processes import end_with_parent, process_pool
from kdsl.config import EvidenceConfig
from kdsl.data.sample import Sample
from kdsl.errors import InputError, KdslError
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.serving.problems import without_folders

log = logging.getLogger(__name__)

MOST_READERS = 4
"""Processes that read pictures; each holds the models of OCR."""


def picture_bytes(pictures: Sequence[str]) -> list[bytes]:
    """The content of pictures in base64.

    Raises:
        InputError: one is no base64.
    """
    found = []
    for number, text in enumerate(pictures, 1):
        try:
            found.append(base64.b64decode(text.partition(",")[2] or text, validate=False))
        except binascii.Error as error:
            raise InputError(f"picture {number} is not base64, or is cut off.") from error
    return found


class Reader:
    """Observes samples whose pictures lie in a folder.

    Args:
        config: how pictures are read; its `max_megapixels` is the limit.
    """

    def __init__(self, config: EvidenceConfig) -> None:
        self._config = config
        self._count = min(os.cpu_count() or 1, MOST_READERS)
        self._pool: ProcessPoolExecutor | None = None
        self._alone = asyncio.Lock()

    async def read(self, sample: Sample, folder: Path) -> Evidence:
        """A sample with what is seen in its pictures.

        Raises:
            InputError: a picture cannot be used; the message calls it by its number.
        """
        if not sample.images:
            return Evidence(sample, ())
        try:
            found = await self._submit(sample, folder)
        except BrokenProcessPool:
            log.warning("a process that reads pictures ended; its pictures are read again, one request at a time")
            found = await self._read_alone(sample, folder)
        if isinstance(found, Evidence):
            return found
        for number, name in enumerate(sample.images, 1):
            found = found.replace(name, str(number))
        raise InputError(without_folders(found, [folder]))

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    async def _submit(self, sample: Sample, folder: Path) -> Evidence | str:
        if self._pool is None:
            self._pool = process_pool(self._count, _start)
        pool = self._pool
        try:
            return await asyncio.wrap_future(pool.submit(_observe, sample, folder, self._config))
        except BrokenProcessPool:
            if self._pool is pool:
                self.close()
            raise

    async def _read_alone(self, sample: Sample, folder: Path) -> Evidence | str:
        """Read again after a process ended: one request at a time, so that the next end tells whose picture it was."""
        async with self._alone:
            single = process_pool(1, _start)
            try:
                return await asyncio.wrap_future(single.submit(_observe, sample, folder, self._config))
            except BrokenProcessPool:
                return "a picture ended the process that read it; save it again, as a plain PNG or JPEG."
            finally:
                single.shutdown(wait=False, cancel_futures=True)


def _start() -> None:
    """Prepare a process: it leaves Ctrl-C to the server, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def _observe(sample: Sample, folder: Path, config: EvidenceConfig) -> Evidence | str:
    """The evidence, or what is wrong with it; the request's own folder is the cache, so that nothing stays."""
    cache = folder / "cache"
    try:
        evidences, faults = observe([sample], folder, config, cache=cache, on_error="collect", workers=1)
    except KdslError as error:
        return str(error)
    return faults[0][1] if faults else evidences[0]
