"""What requests and answers look like: the models that the OpenAPI description is made of."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kdsl.data.prediction import Prediction
from kdsl.serving.problems import ProblemDetails

MOST_TURNS = 200
MOST_LETTERS = 20_000
"""Of one turn."""
MOST_LETTERS_TOGETHER = 50_000
"""Of one sample, with what was read in its pictures: about what a batch holds. The model reads one sample at a time
beyond that, and everybody waits for it."""
MOST_PICTURES = 16
MOST_ITEMS = 64
"""Samples of one request."""

ID = re.compile(r"[\w.:-]{1,128}")
"""What a client may call a request; another name is replaced."""
BASE64 = r"^(data:[A-Za-z0-9.+/;=_-]*;base64,)?[A-Za-z0-9+/\r\n]+={0,2}[\r\n]*$"
"""A picture in base64, as a `data:` address or bare; an address of the web is none."""

Text = Annotated[str, StringConstraints(max_length=MOST_LETTERS)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
TaskName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=100)]
Picture = Annotated[str, StringConstraints(pattern=BASE64)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class SaidTurn(Body):
    """One utterance of a dialogue."""

    role: Literal["user", "agent"] = "user"
    text: Text
    """`<image>` stands where a picture was sent."""


class Item(Body):
    """One sample: a dialogue with its pictures, or one picture alone."""

    id: str = Field("", max_length=200)
    """Comes back in the prediction."""
    task: TaskName | None = None
    """Needed only where several tasks take such an input."""
    turns: list[SaidTurn] = Field([], max_length=MOST_TURNS)
    pictures: list[Picture] = Field([], max_length=MOST_PICTURES)
    """Pictures in base64, bare or as `data:image/png;base64,...`, in the order they were sent. Nothing is fetched."""


class Items(Body):
    """Several samples; each is answered by itself."""

    items: list[Item] = Field(min_length=1, max_length=MOST_ITEMS)


class Model(BaseModel):
    """Which model answered."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    version: str
    """Changes with the bundle and with every change of its rules."""
    bundle: str
    """The name of the bundle's folder."""
    kdsl: str


class Predicted(BaseModel):
    """A prediction, and how long it took."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    prediction: Prediction
    queue_wait_ms: float
    """Time between the sample being read and the model beginning with its batch."""
    model_ms: float
    """Time of its batch in the model."""
    batch_size: int
    """Samples of its batch."""


class Answer(Predicted):
    """The answer to one sample."""

    request_id: str
    model: Model


class Failed(BaseModel):
    """A sample of several that could not be predicted."""

    error: ProblemDetails


class Answers(BaseModel):
    """The answers to several samples, in their order."""

    request_id: str
    model: Model
    results: list[Predicted | Failed]


class LabelInfo(BaseModel):
    """A label and what it means."""

    name: str
    descriptions: list[str]


class TaskInfo(BaseModel):
    """A task of the bundle."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    input: Literal["picture", "dialogue"]
    """What its samples are."""
    labels: list[LabelInfo]
    ask_below: float
    """Predictions of a lower probability ask for a person."""


class Tasks(BaseModel):
    """The tasks of the bundle."""

    model: Model
    tasks: list[TaskInfo]


class Health(BaseModel):
    """The server is alive."""

    status: Literal["alive"] = "alive"
    queue_depth: int = Field(description="Samples that wait for the model.")


class Ready(BaseModel):
    """The server predicts."""

    status: Literal["ready"] = "ready"


def request_body(*models: type[BaseModel], multipart: dict[str, Any] | None = None) -> dict[str, Any]:
    """The OpenAPI description of a body that a route reads itself: JSON of the first model, or a form."""
    content: dict[str, Any] = {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{models[0].__name__}"}},
    }
    if multipart is not None:
        content["multipart/form-data"] = {"schema": multipart}
    return {"requestBody": {"required": True, "content": content}}
