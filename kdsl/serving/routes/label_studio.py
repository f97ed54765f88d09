"""`/label-studio`: what Label Studio asks of a backend for machine learning, so that it pre-annotates with the bundle.

The address to give in Label Studio is `http://HOST:PORT/label-studio`. A project whose backend must be of the package
`label-studio-ml` has `kdsl.corrections.label_studio_backend`, which asks here.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from kdsl.corrections.label_studio import names_in, prediction_of, sample_in
from kdsl.errors import InputError
from kdsl.serving.schemas import MOST_LETTERS, MOST_TURNS
from kdsl.serving.served import Served
from kdsl.serving.services import Services, Shared, need, problems

log = logging.getLogger(__name__)
router = APIRouter(prefix="/label-studio", tags=["label-studio"])

MOST_TASKS = 256
"""Of one request; Label Studio asks for as many as its own setting says."""


class LabelTask(BaseModel):
    """A task of Label Studio; what it has beside its data is not looked at."""

    data: dict[str, Any]


class Ask(BaseModel):
    """What Label Studio sends; further fields are not looked at."""

    model_config = ConfigDict(extra="ignore")

    tasks: list[LabelTask] = Field(max_length=MOST_TASKS)
    label_config: str | None = Field(None, max_length=1_000_000)


class PreAnnotated(BaseModel):
    """A prediction for each task, in their order; one that cannot be predicted has no result."""

    results: list[dict[str, Any]]
    model_version: str


class SetUp(BaseModel):
    """Which model answers."""

    model_version: str


class Up(BaseModel):
    """The backend is there."""

    status: Literal["UP"] = "UP"
    model_class: str = "kdsl"


@router.get("/health", dependencies=[need("predict")], responses=problems())
async def health() -> Up:
    """Whether the backend is there."""
    return Up()


@router.post("/setup", dependencies=[need("predict")], responses=problems())
async def setup(services: Shared) -> SetUp:
    """Which model answers; nothing of the project is kept."""
    return SetUp(model_version=services.served.model.version)


@router.post("/predict", dependencies=[need("predict")], responses=problems(400, 408, 504))
async def pre_annotate(ask: Ask, services: Shared) -> PreAnnotated:
    """Predict tasks that kdsl exported, or that have a `text`, with scores, under the names of the project's own
    interface."""
    served, deadline = services.served, monotonic() + services.settings.timeout
    with services.told(), served.admission(len(ask.tasks)):
        names = names_in(ask.label_config)
        work = (_predicted(services, served, one.data, names, deadline) for one in ask.tasks)
        results = await asyncio.gather(*work)
    return PreAnnotated(results=list(results), model_version=served.model.version)


async def _predicted(
    services: Services, served: Served, data: dict[str, Any], names: tuple[str, str], deadline: float
) -> dict[str, Any]:
    version = served.model.version
    try:
        sample = sample_in(data)
        if len(sample.turns) > MOST_TURNS or any(len(turn.raw) > MOST_LETTERS for turn in sample.turns):
            raise InputError("is longer than a sample may be.")
        found, _ = await served.answer(sample, deadline)
    except InputError as error:  # Label Studio has no place for the reason
        log.warning("a task of Label Studio cannot be predicted: it %s", error)
        return {"model_version": version, "score": 0.0, "result": []}
    services.metrics.predicted(found.value, found.waited)
    return prediction_of(found.value, version, names)
