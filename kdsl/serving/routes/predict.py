"""`/v1/predict`, `/v1/predict/batch` and `/v1/tasks`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from kdsl.data.sample import Sample
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.serving.pictures import picture_bytes
from kdsl.serving.problems import Problem, internal, where_raised
from kdsl.serving.schemas import (
    MOST_PICTURES,
    Answer,
    Answers,
    Failed,
    Item,
    Items,
    Predicted,
    Tasks,
    request_body,
)
from kdsl.serving.served import Served
from kdsl.serving.services import Services, Shared, need, problems, unless_left

log = logging.getLogger(__name__)
router = APIRouter(prefix="/v1", tags=["predict"])

FORM = {
    "type": "object",
    "description": "A sample, and its pictures as files; the files' names are not looked at.",
    "required": ["item"],
    "properties": {
        "item": {
            "type": "string",
            "description": "An Item as JSON, without `pictures`.",
            "contentMediaType": "application/json",
        },
        "pictures": {"type": "array", "maxItems": MOST_PICTURES, "items": {"type": "string", "format": "binary"}},
    },
}
_ITEM_MB = 1
"""The form's JSON part; pictures are files of their own."""

TimeOut = Annotated[
    int | None, Header(alias="X-Timeout-Ms", ge=1, le=3_600_000, description="Milliseconds that the client waits.")
]


@router.post(
    "/predict",
    dependencies=[need("predict")],
    responses=problems(400, 408, 415, 504, ok={"model": Answer}),
    openapi_extra=request_body(Item, multipart=FORM),
)
async def predict(request: Request, services: Shared, wait: TimeOut = None) -> Response:
    """Predict one sample: JSON with pictures in base64, or a form with pictures as files."""
    sample = await _read_one(request)
    served, deadline = services.served, deadline_of(request, services, wait)
    with services.told(), served.admission(1):
        found, _ = await unless_left(request, predicted(services, served, sample, deadline))
    answer = Answer(**dict(found), request_id=request.state.request_id, model=served.model)
    return Response(answer.model_dump_json(), media_type="application/json")


@router.post("/predict/batch", dependencies=[need("predict")], responses=problems(400, 408, 504, ok={"model": Answers}))
async def predict_batch(items: Items, request: Request, services: Shared, wait: TimeOut = None) -> Response:
    """Predict several samples; one that cannot be predicted gets an `error` in its place, and the others go on."""
    served, deadline, id = services.served, deadline_of(request, services, wait), request.state.request_id
    with services.told(), served.admission(len(items.items)):
        work = (_result(services, served, item, f"{id}-{n}", deadline, id) for n, item in enumerate(items.items, 1))
        results = await unless_left(request, asyncio.gather(*work))
    answers = Answers(request_id=id, model=served.model, results=results)
    return Response(answers.model_dump_json(), media_type="application/json")


@router.get("/tasks", dependencies=[need("read")], responses=problems())
async def tasks(services: Shared) -> Tasks:
    """The tasks of the bundle, their labels, and below which probability a prediction asks for a person."""
    served = services.served
    return Tasks(model=served.model, tasks=served.tasks)


def sample_of(item: Item, pictures: Sequence[bytes], id: str) -> Sample:
    """A sample of what was sent.

    Raises:
        InputError: it is neither a dialogue nor one picture.
    """
    named = {"task": item.task or "", "id": item.id or id}
    if item.turns:
        return Sample.dialogue([(turn.role, turn.text) for turn in item.turns], pictures, **named)
    if len(pictures) != 1:
        raise InputError("give `turns`, or exactly one picture.")
    return Sample.picture(pictures[0], **named)


async def _read_one(request: Request) -> Sample:
    """The sample of a request, in either form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    id = request.state.request_id
    try:
        if kind == "application/json":
            item = Item.model_validate_json(await request.body())
            return sample_of(item, await _decoded(item), id)
        if kind == "multipart/form-data":
            return await _read_form(request, id)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False, include_context=False)) from error
    except InputError as error:
        raise Problem(422, str(error)) from error
    raise Problem(415, "expected application/json or multipart/form-data.")


async def _read_form(request: Request, id: str) -> Sample:
    async with request.form(max_files=MOST_PICTURES, max_fields=1, max_part_size=_ITEM_MB << 20) as form:
        files = form.getlist("pictures")
        if set(form) - {"item", "pictures"} or not isinstance(form.get("item"), str):
            raise InputError("the form needs the field 'item' (JSON), and may have files as 'pictures'.")
        item = Item.model_validate_json(str(form["item"]))
        if item.pictures or not all(isinstance(file, UploadFile) for file in files):
            raise InputError("in a form, pictures are files.")
        return sample_of(item, [await file.read() for file in files if isinstance(file, UploadFile)], id)


async def _decoded(item: Item) -> list[bytes]:
    return await asyncio.to_thread(picture_bytes, item.pictures) if item.pictures else []


async def predicted(services: Services, served: Served, sample: Sample, deadline: float) -> tuple[Predicted, Evidence]:
    """The prediction of an admitted sample, counted and logged, and what it was made of.

    Raises:
        KdslError: the sample cannot be used.
        Expired: the deadline has passed.
    """
    try:
        found, evidence = await served.answer(sample, deadline)
    except asyncio.CancelledError:
        services.metrics.skipped("left")
        raise
    prediction = found.value
    services.metrics.predicted(prediction, found.waited)
    told: dict[str, Any] = {"task": prediction.task, "label": prediction.label, "probability": prediction.probability}
    if services.settings.log_texts:
        told["turns"] = [[turn.role, turn.raw] for turn in sample.turns]
    if services.settings.keep_uncertain:
        services.keeper.keep(sample, prediction, served.model.version)
    log.info("predicted", extra=told | {"batch": found.together, "model": served.model.version})
    answer = Predicted(
        prediction=prediction,
        queue_wait_ms=round(found.waited * 1000, 2),
        model_ms=round(found.took * 1000, 2),
        batch_size=found.together,
    )
    return answer, evidence


async def _result(
    services: Services, served: Served, item: Item, id: str, deadline: float, request_id: str
) -> Predicted | Failed:
    """What became of one of several samples."""
    try:
        with services.told():
            sample = sample_of(item, await _decoded(item), id)
            return (await predicted(services, served, sample, deadline))[0]
    except Problem as problem:
        return Failed(error=problem.details(request_id))
    except Exception as error:  # raised by a library because of this sample; the others are not affected
        log.error("failed", extra={"where": where_raised(error, message=services.settings.log_texts)})
        services.metrics.skipped("failed")
        return Failed(error=internal().details(request_id))


def deadline_of(request: Request, services: Services, wait: int | None) -> float:
    """When a request's answer has to be there, by the clock `time.monotonic`; `wait` is in milliseconds."""
    most = services.settings.timeout
    return float(request.state.arrived) + (most if wait is None else min(wait / 1000, most))


def invalid(errors: Sequence[Any]) -> Problem:
    """The problem of a body or a parameter that is not as described, by pydantic's errors."""
    faults = [f"{'.'.join(map(str, error['loc']))}: {_said(error)}".removeprefix(": ") for error in errors]
    return Problem(422, "the request is not as /openapi.json describes it.", faults=faults[:20])


def _said(error: Any) -> str:
    """A fault in words; of a picture, pydantic would say a regular expression."""
    if error["type"] == "string_pattern_mismatch" and "pictures" in error["loc"]:
        return "expected a picture in base64, bare or as `data:image/png;base64,...`; an address is none"
    return str(error["msg"])
