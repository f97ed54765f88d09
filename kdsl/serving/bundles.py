"""`Bundles`: which bundle is served, and how another takes its place without a lost request.

A new bundle is opened and has to predict before it takes over. What the old one has admitted, it answers; then it is
closed, and its name stays as the one to go back to. Which bundle is served stands in `bundles.json` in the server's
state, written whole before the switch: a server that is killed at any time starts with the old one or with the new one.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ValidationError

from kdsl.corrections.switching import check_switch
from kdsl.errors import BundleError, InputError, did_you_mean
from kdsl.files import write_json
from kdsl.recognizer import Recognizer
from kdsl.serving.served import Served
from kdsl.serving.settings import ServerSettings

log = logging.getLogger(__name__)


class Busy(Exception):
    """Another bundle is being opened."""


class Record(BaseModel):
    """What `bundles.json` says: names of folders beside each other."""

    given: str
    """The bundle that the server was started with."""
    current: str
    previous: str | None = None


class Bundles:
    """The bundles of one folder, one of which is served.

    Raises:
        BundleError: the bundle to serve cannot be opened.
    """

    def __init__(self, settings: ServerSettings, told: Callable[[int, float], None] = lambda items, seconds: None):
        self._settings, self._told = settings, told
        self._folder = settings.bundle.resolve().parent
        self._file = settings.state_folder / "bundles.json"
        self._switching = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self.record = self._recorded()
        with self._recorded_last():
            self._first: Recognizer | None = Recognizer.load(self._folder / self.record.current)
        self._served: Served | None = None

    @property
    def ready(self) -> bool:
        """Whether one real prediction went through."""
        return self._served is not None

    @property
    def current(self) -> Served:
        """The bundle that is served.

        Raises:
            BundleError: none is yet.
        """
        if self._served is None:
            raise BundleError("the bundle is being loaded.")
        return self._served

    @property
    def names(self) -> list[str]:
        """The bundles that could be served."""
        return sorted(file.parent.name for file in self._folder.glob("*/manifest.json"))

    async def start(self) -> None:
        """Load the first bundle and let it predict.

        Raises:
            BundleError: it does not.
        """
        assert self._first is not None
        with self._recorded_last():
            self._served, self._first = await self._tested(self._first), None
        write_json(self._file, self.record.model_dump())

    async def swap(self, name: str, *, anyway: bool = False) -> Served:
        """Serve another bundle, or the same one read again.

        Raises:
            InputError: there is no such bundle; or it is a candidate that is worse than the bundle it was made from,
                not compared yet, or without rules that were changed since, and `anyway` is not set.
            BundleError: it is damaged, or does not predict; the old one goes on.
            Busy: another one is being opened.
        """
        if name not in self.names:
            raise InputError(
                f"there is no bundle '{name}' beside the one that is served.{did_you_mean(name, self.names)}"
            )
        if self._switching.locked():
            raise Busy
        async with self._switching:
            old = self.current
            if not anyway:
                await asyncio.to_thread(check_switch, self._folder / name, old.recognizer.bundle)
            new = await self._tested(await asyncio.to_thread(Recognizer.load, self._folder / name))
            previous = old.name if name != old.name else self.record.previous
            record = Record(given=self.record.given, current=name, previous=previous)
            try:
                await asyncio.to_thread(write_json, self._file, record.model_dump())
            except BaseException:  # such as a full disk; two bundles would stay in memory
                await new.close()
                raise
            self._served, self.record = new, record
            log.info("bundle '%s' takes the place of '%s'", new.model.version, old.model.version)
            closing = asyncio.create_task(old.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            return new

    async def back(self) -> Served:
        """Serve the bundle that was served before.

        Raises:
            InputError: there was none.
            BundleError, Busy: as for `swap`.
        """
        if self.record.previous is None:
            raise InputError("no other bundle was served before this one.")
        return await self.swap(self.record.previous, anyway=True)

    async def close(self) -> None:
        """Answer all that was admitted, and close what is open."""
        if self._served is not None:
            await self._served.close()
        if self._closing:
            await asyncio.wait(self._closing)
        if self._first is not None:
            self._first.close()

    async def _tested(self, recognizer: Recognizer) -> Served:
        served = Served(recognizer, self._settings, self._told)
        try:
            await served.test()
        except BaseException:
            await served.close()
            raise
        return served

    @contextmanager
    def _recorded_last(self) -> Iterator[None]:
        """What is wrong with a bundle that was not given is told with where its name comes from."""
        try:
            yield
        except BundleError as error:
            given, current = self.record.given, self.record.current
            if current == given:
                raise
            raise BundleError(
                f"{error} '{current}' took the place of '{given}' in an earlier run. Put it back, or delete "
                f"{self._file} to serve '{given}' again."
            ) from error

    def _recorded(self) -> Record:
        """The record of an earlier run, where that was started with the same bundle."""
        given = self._settings.bundle.resolve().name
        try:
            record = Record.model_validate(json.loads(self._file.read_text("utf-8")))
        except FileNotFoundError:
            return Record(given=given, current=given)
        except (OSError, ValueError, ValidationError) as error:
            raise InputError(
                f"{self._file} does not say which bundle was served ({type(error).__name__}). Delete it: the server "
                "then starts with the bundle that it is given."
            ) from error
        if record.given != given:
            return Record(given=given, current=given, previous=record.current)
        if record.current != given:
            log.warning("serving bundle '%s', which took the place of '%s' in an earlier run", record.current, given)
        return record
