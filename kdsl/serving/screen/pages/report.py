"""`/screen/report`: F1 per label, confusions to look into, and the coverage-risk curve with its threshold."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from kdsl.serving.problems import Problem
from kdsl.serving.screen.figures import HEIGHT, WIDTH, Figures, figures
from kdsl.serving.screen.paths import ROOT
from kdsl.serving.screen.view import page
from kdsl.serving.services import Services, Shared, need

router = APIRouter(prefix=f"{ROOT}/report", include_in_schema=False)


@router.get("", dependencies=[need("read")])
async def report(request: Request, services: Shared, task: str = "") -> Response:
    """The figures of a task."""
    tasks = [info.name for info in services.served.tasks]
    name = task or tasks[0]
    found = await _figures(services, name)
    return page(request, "report.html.j2", task=name, tasks=tasks, found=found, width=WIDTH, height=HEIGHT)


@router.get("/confusion", dependencies=[need("read")])
async def confusion(request: Request, services: Shared, task: str, gold: str, predicted: str) -> Response:
    """The samples of a label that were predicted as another, with what is said where the server knows the samples."""
    found = await _figures(services, task)
    if found is None:
        raise Problem(404, f"no figures of task '{task}' are known.")
    recognizer = services.served.recognizer
    with services.told():
        evidences = await asyncio.to_thread(services.labelled.of, recognizer)
    known = {evidence.sample.id: evidence for evidence in evidences if evidence.sample.task == task}
    judged = found.confused(gold, predicted)
    return page(request, "confusion.html.j2", task=task, gold=gold, predicted=predicted, judged=judged, known=known)


async def _figures(services: Services, task: str) -> Figures | None:
    with services.told():
        return await asyncio.to_thread(figures, services.served.recognizer.bundle, task)
