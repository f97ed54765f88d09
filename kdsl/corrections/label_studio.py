"""Label Studio: samples to label as its tasks with predictions, its labelling interface, and what it exports read back.

A task's `data` hold the sample twice over where need be: `html` or `images` for people, and `messages` and `images` for
programs, in a format that kdsl's readers read, too. `kdsl` is the digest of the content, by which a changed task is
told. Predictions have scores, without which Label Studio cannot sort by uncertainty.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pydantic import BaseModel, ConfigDict, ValidationError

from kdsl.corrections.feedback import Correction, Role, sample_digest
from kdsl.corrections.queue import Queued
from kdsl.data.dialogue import IMAGE
from kdsl.data.inline_pictures import picture_address
from kdsl.data.prediction import Prediction
from kdsl.data.sample import Sample
from kdsl.errors import InputError, faults_of
from kdsl.runs import digest, listed
from kdsl.tasks import Task, task_by_name

SHOWN, CHOICE = "sample", "label"
"""Names of the interface's parts: what is shown, and what is chosen."""
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def none_fits(task: Task) -> str:
    """The choice that says that no label fits: the task's own word, or another that is none of its labels."""
    word = task.out_of_scope or "(none of these)"
    while word in task.names:
        word = f"({word})"
    return word


def interface(task: Task) -> str:
    """The labelling interface of a task, as Label Studio's XML: the sample, and one choice among its labels.

    Raises:
        InputError: a label's name holds what XML cannot.
    """
    view = ElementTree.Element("View")
    if task.input == "dialogue":
        ElementTree.SubElement(view, "HyperText", name=SHOWN, value="$html", inline="true")
    else:
        ElementTree.SubElement(view, "Image", name=SHOWN, valueList="$images")
    choices = ElementTree.SubElement(view, "Choices", name=CHOICE, toName=SHOWN, choice="single", required="true")
    for label in task.labels:
        if _NOT_XML.search(label.name):
            raise InputError(f"label {label.name!r} holds a character that Label Studio's interface cannot hold.")
        hint = _NOT_XML.sub(" ", "; ".join(label.descriptions))
        ElementTree.SubElement(choices, "Choice", {"value": label.name} | ({"hint": hint} if hint else {}))
    ElementTree.SubElement(choices, "Choice", value=none_fits(task))
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def task_of(item: Queued, picture: Callable[[str], bytes]) -> dict[str, Any]:
    """A task of Label Studio with the prediction of its sample.

    Args:
        picture: digest -> content.
    """
    addresses = [picture_address(picture(name)) for name in item.pictures]
    data: dict[str, Any] = {"kdsl": item.sample, "task": item.task, "name": item.name or item.sample}
    if item.turns:
        data["messages"] = [{"role": _ROLES[role], "content": text} for role, text in item.turns]
        data["html"] = _html(item.turns, addresses)
    data["images"] = addresses
    return {"data": data, "predictions": [prediction_of(item.prediction, item.version)]}


def prediction_of(prediction: Prediction, version: str, names: tuple[str, str] = (CHOICE, SHOWN)) -> dict[str, Any]:
    """A prediction as Label Studio stores it.

    Args:
        names: of the interface's choice, and of what it is about.
    """
    result = {
        "id": digest(prediction.id, version)[:10],
        "from_name": names[0],
        "to_name": names[1],
        "type": "choices",
        "value": {"choices": [prediction.label]},
        "score": prediction.probability,
    }
    return {"model_version": version, "score": prediction.probability, "result": [result]}


@dataclass(frozen=True)
class Content:
    """The sample of a task of Label Studio."""

    task: str
    turns: tuple[tuple[Role, str], ...]
    pictures: tuple[bytes, ...]


def content_of(data: Any) -> Content:
    """The sample that `task_of` wrote.

    Raises:
        InputError: it is of another project, or was changed since.
    """
    try:
        read = _Data.model_validate(data)
        pictures = tuple(base64.b64decode(address.partition(",")[2], validate=True) for address in read.images)
    except ValidationError as error:
        raise InputError(f"is no task that kdsl wrote: {'; '.join(faults_of(error))}.") from error
    except ValueError as error:  # of base64
        raise InputError("holds a picture that is not in base64, as kdsl wrote it.") from error
    turns = tuple((_SPEAKERS.get(one.role, "user"), one.content) for one in read.messages)
    if sample_digest(read.task, turns, pictures) != read.kdsl:
        raise InputError("was changed since kdsl wrote it: its content is not the one that its `kdsl` names.")
    return Content(read.task, turns, pictures)


def sample_in(data: Any) -> Sample:
    """The sample of a task, to be predicted: one that `task_of` wrote, or a `text` that a user says.

    Raises:
        InputError: there is none.
    """
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except ValueError as error:
        raise InputError("holds text that is no Unicode.") from error
    if isinstance(data, dict) and "kdsl" not in data and isinstance(data.get("text"), str):
        return Sample.dialogue([data["text"]], id="label-studio")
    found = content_of(data)
    named = {"task": found.task, "id": "label-studio"}
    if found.turns:
        return Sample.dialogue(found.turns, found.pictures, **named)
    if len(found.pictures) != 1:
        raise InputError("holds neither a dialogue nor one picture.")
    return Sample.picture(found.pictures[0], **named)


def names_in(label_config: str | None) -> tuple[str, str]:
    """The names of an interface's choice, and of what it is about; those of `interface` where it has no choice.

    Raises:
        InputError: it is no XML.
    """
    try:
        view = ElementTree.fromstring(label_config) if label_config else None
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"the labelling interface is no XML: {error}.") from error
    choices = next(view.iter("Choices"), None) if view is not None else None
    if choices is None:
        return CHOICE, SHOWN
    return choices.get("name", CHOICE), choices.get("toName", SHOWN)


@dataclass(frozen=True)
class Import:
    """What an export of Label Studio holds. `disputed` are samples that people labelled differently; of them the last
    label counts."""

    corrections: tuple[Correction, ...]
    unlabelled: int
    disputed: int


def read_export(file: Path, tasks: Sequence[Task], version: str) -> Import:
    """Read Label Studio's export as JSON.

    Each annotation is a correction by who completed it, and has an id of its own: read again it is the same one, and
    changed in Label Studio it is another. Cancelled ones, and those without a choice, are left out.

    Args:
        version: of the model that is served now.

    Raises:
        InputError: the file cannot be read, or a task cannot be used; the message lists the first few.
    """
    try:
        raw = json.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: is not valid JSON: {error}") from error
    if not isinstance(raw, list):
        raise InputError(f"{file}: expected Label Studio's export as JSON, a list of tasks.")
    faults, found, unlabelled, disputed = [], [], 0, 0
    for number, one in enumerate(raw, 1):
        try:
            made = list(_corrections(one, tasks, version))
        except InputError as error:
            faults.append(f"task {number} {error}")
            continue
        unlabelled += not made
        disputed += len({correction.label for _, correction in made}) > 1
        found += made
    if faults:
        raise InputError(f"{file}: {len(faults)} of {len(raw)} tasks cannot be used:\n{listed(faults)}")
    in_order = sorted(found, key=lambda pair: pair[0])
    return Import(tuple(correction for _, correction in in_order), unlabelled, disputed)


def _corrections(one: Any, tasks: Sequence[Task], version: str) -> Iterator[tuple[str, Correction]]:
    """Corrections of a task with the times at which they were last changed."""
    try:
        exported = _Exported.model_validate(one)
    except ValidationError as error:
        raise InputError(f"is not as Label Studio exports it as JSON: {'; '.join(faults_of(error))}.") from error
    content = content_of(exported.data)
    task = task_by_name(tasks, content.task)
    for annotation in exported.annotations:
        chosen = [choice for result in annotation.result if result.from_name == CHOICE for choice in result.choices]
        if annotation.was_cancelled or not chosen:
            continue
        if len(chosen) > 1 or chosen[0] not in (*task.names, none_fits(task)):
            raise InputError(f"is labelled {', '.join(map(repr, chosen))}; expected one label of task '{task.name}'.")
        named = annotation.unique_id or f"{exported.id}-{annotation.id}"
        changed = annotation.updated_at or annotation.created_at
        yield (
            changed,
            Correction(
                request=f"label-studio-{digest(named, changed, chosen[0], exported.data['kdsl'])}",
                task=task.name,
                turns=content.turns,
                pictures=content.pictures,
                label=None if chosen[0] == none_fits(task) else chosen[0],
                author=annotation.author,
                version=version,
                prediction=_shown([annotation.prediction, *exported.predictions]),
            ),
        )


def _shown(predictions: Iterable[Any]) -> dict[str, Any] | None:
    """The first prediction that is written out; exports name others by their numbers alone."""
    for one in predictions:
        if isinstance(one, dict) and one.get("result"):
            choices = (one["result"][0].get("value") or {}).get("choices") or [None]
            return {"label": choices[0], "probability": one.get("score"), "version": one.get("model_version")}
    return None


def _html(turns: Sequence[tuple[Role, str]], addresses: Sequence[str]) -> str:
    """A dialogue for people, with pictures where they were sent, and those without a place above it."""
    wanted = sum(text.count(IMAGE) for _, text in turns)
    waiting = list(addresses)
    first = [_picture(waiting.pop(0)) for _ in range(max(len(waiting) - wanted, 0))]
    lines = []
    for role, text in turns:
        parts = text.split(IMAGE)
        said = html.escape(parts[0])
        for part in parts[1:]:
            said += (_picture(waiting.pop(0)) if waiting else "") + html.escape(part)
        lines.append(f"<p><b>{role}:</b> {said.replace(chr(10), '<br>')}</p>")
    return "".join([*first, *lines])


def _picture(address: str) -> str:
    return f'<img src="{html.escape(address)}" style="max-width:20em">'


_ROLES: dict[Role, str] = {"user": "user", "agent": "assistant"}
_SPEAKERS: dict[str, Role] = {name: role for role, name in _ROLES.items()}


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Message(_Part):
    role: str
    content: str


class _Data(_Part):
    kdsl: str
    task: str
    messages: list[_Message] = []
    images: list[str] = []


class _Result(_Part):
    from_name: str = ""
    value: dict[str, Any] = {}

    @property
    def choices(self) -> list[str]:
        return [str(choice) for choice in self.value.get("choices") or ()]


class _Annotation(_Part):
    id: int | str
    unique_id: str | None = None
    completed_by: int | dict[str, Any] | None = None
    result: list[_Result] = []
    was_cancelled: bool | None = False
    prediction: dict[str, Any] | None = None
    """The one that was shown beside it."""
    created_at: str = ""
    updated_at: str = ""

    @property
    def author(self) -> str:
        """Who completed it: the address, or the number that the export has."""
        who = self.completed_by
        if isinstance(who, dict):
            who = who.get("email") or who.get("username") or who.get("id")
        return f"label-studio:{'?' if who is None else who}"


class _Exported(_Part):
    id: int | str
    data: dict[str, Any]
    annotations: list[_Annotation]
    predictions: list[Any] = []
