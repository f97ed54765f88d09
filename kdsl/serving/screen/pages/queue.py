"""`/screen/queue`: samples to label, one at a time, the most doubtful first, by mouse or by keyboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from kdsl.corrections.queue import SHOWN
from kdsl.serving.middleware import Caller
from kdsl.serving.problems import Problem
from kdsl.serving.routes import feedback, queue
from kdsl.serving.routes.predict import invalid
from kdsl.serving.screen.paths import ROOT
from kdsl.serving.screen.view import page, part
from kdsl.serving.services import Services, Shared, need

router = APIRouter(prefix=f"{ROOT}/queue", include_in_schema=False)

KEYS = "123456789abcdefghijklmopqrstvwxyz"
"""Of the labels, the likeliest first; 0 says that none fits, u takes the last label back, n goes on without one."""
NONE_FITS = ""
"""The value of the button that says so."""


@dataclass(frozen=True)
class Place:
    """Where a person is in the queue: the task ('' for all), and the numbers that were passed over."""

    task: str
    passed: tuple[int, ...]
    correction: int | None
    """The last one, which may be taken back."""
    item: int | None
    """The sample that it is about."""


@router.get("", dependencies=[need("label")])
async def look(request: Request, services: Shared, task: str = "") -> Response:
    """The page, with the first sample."""
    tasks = [info.name for info in services.served.tasks]
    values = await _values(services, Place(task, (), None, None))
    return page(request, "queue.html.j2", tasks=tasks, keeping=services.settings.keep_uncertain, **values)


@router.post("/next", dependencies=[need("label")])
async def go_on(request: Request, services: Shared) -> Response:
    """Pass a sample over."""
    place, number, _ = await _read(request)
    passed = (*(one for one in place.passed if one != number), number)[-SHOWN + 1 :]
    return await _shown(request, services, Place(place.task, passed, place.correction, place.item))


@router.post("/previous", dependencies=[need("label")])
async def go_back(request: Request, services: Shared) -> Response:
    """Come back to the sample that was passed over last."""
    place, number, _ = await _read(request)
    if not place.passed:
        return await _shown(request, services, place, number)
    back = Place(place.task, place.passed[:-1], place.correction, place.item)
    return await _shown(request, services, back, place.passed[-1])


@router.post("/label", dependencies=[need("label")])
async def label(request: Request, services: Shared, caller: Annotated[Caller, need("feedback")]) -> Response:
    """Label a sample, and show the next one."""
    place, number, chosen = await _read(request)
    if chosen is None:
        raise Problem(422, "the form says no label.")
    try:
        body = feedback.Correct(queue=number, label=chosen or None)
    except ValidationError as error:
        raise invalid(error.errors()) from error
    stored = await feedback.correct(body, request, services, caller)
    return await _shown(request, services, Place(place.task, place.passed, stored.number, number))


@router.post("/undo", dependencies=[need("label")])
async def undo(request: Request, services: Shared, caller: Annotated[Caller, need("feedback")]) -> Response:
    """Take the last label back, and show its sample again."""
    place, _, _ = await _read(request)
    if place.correction is None or not 0 < place.correction < 1 << 63:
        raise Problem(422, "there is no label to take back.")
    await feedback.undo(place.correction, services, caller)
    return await _shown(request, services, Place(place.task, place.passed, None, None), place.item)


@router.get("/{number}/pictures/{which}", dependencies=[need("label")])
async def picture(number: queue.Number, which: queue.Number, services: Shared) -> Response:
    """A picture of a sample."""
    return await queue.picture(number, which, services)


async def _read(request: Request) -> tuple[Place, int, str | None]:
    """Where a person is, the sample that was shown, and the label that was chosen."""
    async with request.form(max_files=0, max_fields=8) as form:
        try:
            passed = tuple(int(one) for one in str(form.get("passed", "")).split(",") if one)[:SHOWN]
            correction, item = (int(str(form.get(name) or 0)) or None for name in ("correction", "item"))
            number = int(str(form.get("number") or 0))
        except ValueError as error:
            raise Problem(422, "the form holds what is no number.") from error
        chosen = form.get("label")
        place = Place(str(form.get("task", "")), passed, correction, item)
        return place, number, None if chosen is None else str(chosen)


async def _shown(request: Request, services: Services, place: Place, wanted: int | None = None) -> Response:
    return part(request, "queued.html.j2", **await _values(services, place, wanted))


async def _values(services: Services, place: Place, wanted: int | None = None) -> dict[str, Any]:
    """What the template of a sample shows: a wanted one, or the first that was not passed over."""
    found = await queue.waiting(services, place.task or None)
    ahead = [item for item in found.items if item.number not in place.passed]
    item = next((one for one in found.items if one.number == wanted), None) or next(iter(ahead or found.items), None)
    labels: list[tuple[str, float, str]] = []
    if item is not None:
        ranked = item.prediction.distribution.items()
        keys = [*KEYS, *[""] * max(len(ranked) - len(KEYS), 0)]
        labels = [(name, share, key) for (name, share), key in zip(ranked, keys, strict=False)]
    return {"item": item, "waiting": found.waiting, "place": place, "labels": labels, "none_fits": NONE_FITS}
