"""`Services`: what the routes of a server share; a screen that is mounted into the same app uses the same."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from kdsl.corrections.feedback import Feedback
from kdsl.corrections.queue import Queue
from kdsl.corrections.store import StoreError
from kdsl.errors import KdslError
from kdsl.serving.batcher import Closed, Expired, Overloaded
from kdsl.serving.bundles import Bundles
from kdsl.serving.keeper import Keeper
from kdsl.serving.keys import Keys, Role
from kdsl.serving.labelled import Labelled
from kdsl.serving.metrics import Metrics
from kdsl.serving.middleware import Caller
from kdsl.serving.problems import MEDIA_TYPE, TITLES, Problem, without_folders
from kdsl.serving.refits import Refits
from kdsl.serving.served import Served
from kdsl.serving.sessions import KeyCheck, Sessions
from kdsl.serving.settings import ServerSettings

log = logging.getLogger(__name__)

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What a system says where a file cannot be written for want of room."""

T = TypeVar("T")


@dataclass(frozen=True)
class Services:
    """The objects behind the routes."""

    settings: ServerSettings
    keys: Keys
    metrics: Metrics
    bundles: Bundles
    feedback: Feedback
    queue: Queue
    keeper: Keeper
    refits: Refits
    labelled: Labelled
    changing: asyncio.Lock
    """Held while a rule book is changed."""
    checks: KeyCheck
    sessions: Sessions

    @property
    def needs_key(self) -> bool:
        """Whether callers need a key."""
        return self.keys.needed or not self.settings.local

    @property
    def served(self) -> Served:
        """The bundle that is served.

        Raises:
            Problem: none is yet.
        """
        if not self.bundles.ready:
            raise Problem(503, "the bundle is being loaded.", retry_after=2)
        return self.bundles.current

    @property
    def folders(self) -> list[Path]:
        """Folders of this machine that no answer names."""
        settings = self.settings
        return [settings.bundle.parent, settings.state_folder, *(file.parent for file in settings.data), Path.home()]

    @contextmanager
    def told(self) -> Iterator[None]:
        """What goes wrong within the block is told as a problem."""
        try:
            yield
        except Overloaded as error:
            self.metrics.skipped("overload")
            raise Problem(429, "more samples wait than the server takes.", retry_after=error.retry_after) from error
        except Expired as error:
            self.metrics.skipped("deadline")
            raise Problem(504, "the answer did not come in time.") from error
        except Closed as error:
            raise Problem(503, "the server is stopping.", retry_after=5) from error
        except StoreError as error:  # the server's fault, not the request's
            log.error("%s: %s", error, error.__cause__)
            raise Problem(503, str(error), retry_after=10) from error
        except KdslError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _NO_ROOM:
                log.error("%s", error)
                raise Problem(507, without_folders(str(error), self.folders), retry_after=10) from error
            raise Problem(422, without_folders(str(error), self.folders)) from error


def services(request: Request) -> Services:
    """The services of the app that a request came to."""
    found: Services = request.app.state.services
    return found


Shared = Annotated[Services, Depends(services)]


def need(role: Role) -> Any:
    """A dependency: the caller, who must have a role."""

    def check(request: Request) -> Caller:
        caller: Caller = request.state.caller
        if not caller.allows(role):
            raise Problem(403, f"this needs a key with the role '{role}'.")
        return caller

    return Depends(check)


async def unless_left(request: Request, work: Awaitable[T]) -> T:
    """The result of some work, which is given up if the client leaves.

    Raises:
        Problem: the client left.
    """
    task = asyncio.ensure_future(work)
    watch = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Problem(499, "the client left.")
        return task.result()
    finally:
        task.cancel()
        watch.cancel()


async def _left(request: Request) -> None:
    """Wait until the client leaves; the request's body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def problems(*statuses: int, ok: dict[str, Any] | None = None) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of a route's problems, and of those that every route has.

    Args:
        ok: the description of the answer itself, where the route's type does not say it.
    """
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    every: Iterable[int] = sorted({401, 403, 413, 421, 422, 429, 503, 507, *statuses})
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": schema}}} for status in every
    }
    return found if ok is None else {200: ok, **found}
