"""`/v1/queue`: samples that a person should look at, the most doubtful first; they are labelled by `/v1/feedback`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from kdsl.corrections.queue import SHOWN, Queued
from kdsl.corrections.uncertain import Why
from kdsl.data.inline_pictures import media_type
from kdsl.data.prediction import Prediction
from kdsl.serving.problems import Problem
from kdsl.serving.schemas import TaskName
from kdsl.serving.services import Services, Shared, need, problems

router = APIRouter(prefix="/v1/queue", tags=["queue"])

T = TypeVar("T")
Number = Annotated[int, Path(ge=1, lt=1 << 63)]


class QueuedTurn(BaseModel):
    """One utterance."""

    role: Literal["user", "agent"]
    text: str


class QueueItem(BaseModel):
    """A sample, and what was predicted for it."""

    number: int
    name: str = Field(description="What the sample is called where it came from.")
    task: str
    turns: list[QueuedTurn]
    pictures: int = Field(description="How many; each is at /v1/queue/NUMBER/pictures/1, 2, ...")
    time: str
    why: Why = Field(
        description="asks: the bundle abstained or found no label fitting; close: its two likeliest labels are close; "
        "disagree: most experts are for other labels; sure: none of these."
    )
    margin: float
    version: str = Field(description="The model that predicted.")
    prediction: Prediction


class QueuePage(BaseModel):
    """The samples that wait."""

    waiting: int
    items: list[QueueItem]


@router.get("", dependencies=[need("label")], responses=problems())
async def list_queue(
    services: Shared,
    task: Annotated[TaskName | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=SHOWN)] = 20,
) -> QueuePage:
    """The samples that wait for a person, the most doubtful first; those with a correction that counts are left out."""
    return await waiting(services, task, limit)


async def waiting(services: Services, task: str | None, limit: int = SHOWN) -> QueuePage:
    """How many samples wait, and the first of them."""
    count, items = await asked(services, asyncio.to_thread(services.queue.open, task, limit))
    return QueuePage(waiting=count, items=[_item(item) for item in items])


@router.get("/{number}", dependencies=[need("label")], responses=problems(404))
async def show_queued(number: Number, services: Shared) -> QueueItem:
    """One sample, labelled or not."""
    return _item(await queued(services, number))


@router.get(
    "/{number}/pictures/{which}",
    dependencies=[need("label")],
    responses=problems(404, ok={"content": {"image/*": {}}, "description": "The picture as it was sent."}),
    response_class=Response,
)
async def picture(number: Number, which: Annotated[int, Path(ge=1, le=1000)], services: Shared) -> Response:
    """A picture of a sample."""
    item = await queued(services, number)
    if which > len(item.pictures):
        raise Problem(404, f"sample {number} of the queue has {len(item.pictures)} picture(s).")
    content = await asked(services, asyncio.to_thread(services.queue.picture, item.pictures[which - 1]))
    return Response(content, media_type=media_type(content), headers={"Content-Security-Policy": "default-src 'none'"})


async def queued(services: Services, number: int) -> Queued:
    """An item of the queue.

    Raises:
        Problem: there is none of this number.
    """
    item = await asked(services, asyncio.to_thread(services.queue.get, number))
    if item is None:
        raise Problem(404, f"there is no sample {number} in the queue.")
    return item


async def asked(services: Services, work: Awaitable[T]) -> T:
    """What the file gives, or the problem that it cannot be used now."""
    with services.told():
        return await work


def _item(item: Queued) -> QueueItem:
    return QueueItem(
        number=item.number,
        name=item.name,
        task=item.task,
        turns=[QueuedTurn(role=role, text=text) for role, text in item.turns],
        pictures=len(item.pictures),
        time=item.time,
        why=item.doubt.why,
        margin=item.doubt.margin,
        version=item.version,
        prediction=item.prediction,
    )
