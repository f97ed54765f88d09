"""`/v1/refit`: a candidate of the served bundle and its corrections: begun, followed, and compared label by label."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from kdsl.corrections.comparison import Comparison
from kdsl.serving.middleware import Caller
from kdsl.serving.problems import Problem, without_folders
from kdsl.serving.refits import Running, State
from kdsl.serving.services import Services, Shared, need, problems

log = logging.getLogger(__name__)
router = APIRouter(prefix="/v1/refit", tags=["refit"])

_CLOCK = re.compile(r"^\d+:\d\d +")


class Refit(BaseModel):
    """The candidate that was made last, or is being made."""

    state: State = Field(description="stopped: it can go on where it was.")
    corrections: int = Field(description="Corrections that count now.")
    candidate: str | None = Field(description="The name that `POST /v1/bundles` takes.")
    served: bool = Field(description="Whether the candidate is served now.")
    lines: list[str] = Field(description="What it said last.")
    comparison: Comparison | None = Field(description="Before and after, once it is finished.")


@router.get("", dependencies=[need("admin")], responses=problems())
async def show_refit(services: Shared) -> Refit:
    """What became of the last refit."""
    return await _shown(services)


@router.post("", status_code=202, responses=problems(409))
async def start_refit(services: Shared, caller: Annotated[Caller, need("admin")]) -> Refit:
    """Make a candidate of the served bundle and the corrections that count, or go on with an unfinished one."""
    with services.told():
        try:
            await services.refits.start(services.served.recognizer.bundle)
        except Running as error:
            raise Problem(409, "a candidate is being made.") from error
    log.info("refit started", extra={"candidate": services.refits.candidate, "by": caller.name})
    return await _shown(services)


@router.post("/stop", dependencies=[need("admin")], responses=problems())
async def stop_refit(services: Shared) -> Refit:
    """Stop the refit; started again, it goes on with what is finished."""
    await services.refits.stop()
    return await _shown(services)


async def _shown(services: Services) -> Refit:
    refits = services.refits
    with services.told():
        corrections = await asyncio.to_thread(services.feedback.count)
        comparison = await asyncio.to_thread(lambda: refits.comparison)
        state = await asyncio.to_thread(lambda: refits.state)
    return Refit(
        state=state,
        corrections=corrections,
        candidate=refits.candidate,
        served=services.served.name == refits.candidate,
        lines=[without_folders(_CLOCK.sub("", line), services.folders) for line in refits.lines],
        comparison=comparison if state == "finished" else None,
    )
