"""`/v1/feedback`: a person's correction, stored; taken back; and all of them as rows for the next fit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from kdsl.corrections.feedback import Correction
from kdsl.data.sample import Sample
from kdsl.errors import InputError, did_you_mean
from kdsl.serving.middleware import Caller
from kdsl.serving.pictures import picture_bytes
from kdsl.serving.problems import Problem
from kdsl.serving.routes.predict import sample_of
from kdsl.serving.schemas import Body, Item, Name
from kdsl.serving.services import Services, Shared, need, problems
from kdsl.tasks import Task, task_by_name

router = APIRouter(prefix="/v1/feedback", tags=["feedback"])

ROWS = "application/x-ndjson"

Number = Annotated[int, Path(ge=1, lt=1 << 63)]


class Shown(Body):
    """The prediction that a person was shown, as far as it matters."""

    label: Name
    probability: float = Field(ge=0, le=1)
    version: Name
    """`model.version` of the answer."""


class Correct(Body):
    """What a person says of a sample."""

    sample: Item | None = None
    """The sample, as it was sent to be predicted."""
    queue: int | None = Field(None, ge=1, lt=1 << 63)
    """In place of `sample`: the number of one in the queue."""
    label: Name | None = None
    """The right label; null where none of the task's labels fits."""
    shown: Shown | None = None
    note: str = Field("", max_length=2000)


class Stored(BaseModel):
    """A stored correction."""

    number: int
    new: bool = Field(description="False where the same request had stored it before.")
    request_id: str


class Undone(BaseModel):
    """A correction that was taken back."""

    number: int
    counted: bool = Field(description="Whether it had not been taken back before.")


@router.post("", responses=problems(400, 408))
async def correct(
    body: Correct, request: Request, services: Shared, caller: Annotated[Caller, need("feedback")]
) -> Stored:
    """Store a correction; when this answers, it is on the disk. Sent again with the same X-Request-Id, it stays one."""
    served, id = services.served, request.state.request_id
    if body.queue is not None and not caller.allows("label"):
        raise Problem(403, "the queue needs a key with the role 'label'.")

    def store() -> tuple[int, bool, str]:
        given, shown = _sample(body, services, id)
        sample = served.checked(given)
        correction = Correction(
            request=id,
            task=sample.task,
            turns=[(turn.role, turn.raw) for turn in sample.turns],
            pictures=[content for content in given.pictures if isinstance(content, bytes)],
            label=_label(body.label, task_by_name(served.recognizer.bundle.tasks, sample.task)),
            author=caller.name,
            version=served.model.version,
            note=body.note,
            prediction=shown,
        )
        return (*services.feedback.add(correction), sample.task)

    with services.told():
        number, new, task = await asyncio.to_thread(store)
    if new:
        services.metrics.corrected(task)
    return Stored(number=number, new=new, request_id=id)


@router.post("/{number}/undo", responses=problems(404))
async def undo(number: Number, services: Shared, caller: Annotated[Caller, need("feedback")]) -> Undone:
    """Take a correction back."""
    with services.told():
        counted = await asyncio.to_thread(services.feedback.undo, number, caller.name)
    if counted is None:
        raise Problem(404, f"there is no correction {number}.")
    return Undone(number=number, counted=counted)


@router.get(
    "",
    dependencies=[need("admin")],
    responses=problems(
        ok={"content": {ROWS: {"schema": {"type": "string"}}}, "description": "One JSON object per line."}
    ),
    response_class=Response,
)
async def export(services: Shared) -> Response:
    """The corrections that count, one JSON line each, in the format of labelled samples (docs/data.md)."""
    rows = services.feedback.export(services.served.recognizer.tasks)
    with services.told():
        first = await asyncio.to_thread(next, rows, None)  # a file that cannot be read is told before the answer begins

    def lines() -> Iterator[str]:
        if first is not None:
            for row in chain([first], rows):
                yield json.dumps(row, ensure_ascii=False) + "\n"

    return StreamingResponse(lines(), media_type=ROWS)


def _sample(body: Correct, services: Services, id: str) -> tuple[Sample, dict[str, Any] | None]:
    """The sample that a person speaks of, and what the person was shown.

    Raises:
        InputError: it cannot be used, or the queue does not have it.
    """
    shown = None if body.shown is None else body.shown.model_dump()
    if body.sample is not None and body.queue is None:
        return sample_of(body.sample, picture_bytes(body.sample.pictures), id), shown
    if body.queue is None or body.sample is not None:
        raise InputError("give `sample`, or the number of one in the `queue`.")
    item = services.queue.get(body.queue)
    if item is None:
        raise InputError(f"there is no sample {body.queue} in the queue.")
    pictures = [services.queue.picture(name) for name in item.pictures]
    named: dict[str, Any] = {"task": item.task, "id": id}
    sample = Sample.dialogue(item.turns, pictures, **named) if item.turns else Sample.picture(pictures[0], **named)
    seen = {"label": item.prediction.label, "probability": item.prediction.probability, "version": item.version}
    return sample, shown or seen


def _label(label: str | None, task: Task) -> str | None:
    """The label that a person gives; None where it is the task's word for 'no label fits'.

    Raises:
        InputError: the task has no such label.
    """
    if label is None or label == task.out_of_scope:
        return None
    if label not in task.names:
        raise InputError(f"task '{task.name}' has no label '{label}'.{did_you_mean(label, task.names)}")
    return label
