"""`/v1/rules`: the commands of `kdsl rules` on the books of the bundle that is served.

A change is made as on the command line: its effect on labelled samples is shown first, and it is saved when `save` says
so. Saved rules count from the next prediction on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from kdsl.evidence.types import Evidence
from kdsl.rules.change import Change
from kdsl.rules.collection import Rules
from kdsl.rules.listing import How, SortKey
from kdsl.runs import digest
from kdsl.serving.middleware import Caller
from kdsl.serving.problems import Problem
from kdsl.serving.schemas import Body, Model, Name, TaskName, Text
from kdsl.serving.served import Served
from kdsl.serving.services import Services, Shared, need, problems

log = logging.getLogger(__name__)
router = APIRouter(prefix="/v1/rules", tags=["rules"])

Lines = Annotated[tuple[Text, ...], Field(max_length=100)]
Command = Literal["add", "edit", "disable", "enable", "undo"]
Weight = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]


class ChangeBody(Body):
    """A change of one book."""

    task: TaskName | None = None
    """Needed only where several books could be meant."""
    reason: str = Field("", max_length=2000)
    """Is kept in the book's history."""
    save: bool = False
    """Write the change; without it, nothing but its effect is shown."""
    base: str | None = None
    """`base` of the effect that was shown: nothing is saved if the book was changed since."""


class AddRule(ChangeBody):
    """A new rule."""

    label: Name
    when: Lines = ()
    """Literals that have to hold (docs/rules.md)."""
    any: Lines = ()
    none: Lines = ()
    weight: Weight | None = None
    id: Name | None = None


class EditRule(ChangeBody):
    """A rule with literals added and dropped, or with another weight or label."""

    id: Name
    when: Lines = ()
    any: Lines = ()
    none: Lines = ()
    drop: Lines = ()
    label: Name | None = None
    weight: Weight | None = None


class SwitchRule(ChangeBody):
    """A rule to disable or to enable."""

    id: Name


class UndoRule(ChangeBody):
    """A return to the version before, or to the version with a number."""

    to: int | None = Field(None, ge=0)
    hand_edits: bool = False
    """Take back what was changed by other means than these commands, too."""


class TestRules(Body):
    """Which books to test."""

    task: TaskName | None = None


class Found(BaseModel):
    """What is known of rules, with the values of `kdsl rules` as JSON."""

    model: Model
    found: Any


class Changed(BaseModel):
    """A change and its effect, with the values of `kdsl rules` as JSON."""

    change: dict[str, Any]
    base: str
    saved: bool
    version: int | None = Field(description="The number of the saved version in the book's history.")
    model: Model
    note: str


@dataclass(frozen=True)
class Made:
    """A change with its effect, the digest of the book that it was made of, and its version if it was saved."""

    change: Change
    base: str
    version: int | None


@router.get("", dependencies=[need("read")], responses=problems())
async def list_rules(
    services: Shared,
    task: Annotated[TaskName | None, Query()] = None,
    label: Annotated[Name | None, Query()] = None,
    origin: How | None = None,
    min_precision: Annotated[float, Query(ge=0, le=1)] = 0.0,
    min_support: Annotated[int, Query(ge=0)] = 0,
    sort: SortKey | None = None,
) -> Found:
    """List the rules, filtered and sorted."""

    def find(rules: Rules, evidences: Sequence[Evidence]) -> Any:
        return [entry.to_json() for entry in rules.list(label, origin, min_precision, min_support, sort)]

    return await _found(services, task, find)


@router.get("/show", dependencies=[need("read")], responses=problems())
async def show_rule(services: Shared, id: Annotated[Name, Query()], task: TaskName | None = None) -> Found:
    """All there is to know of a rule; with labelled samples, those it gets right and wrong, too."""

    def find(rules: Rules, evidences: Sequence[Evidence]) -> Any:
        entry, samples = rules.show(id, evidences)
        return entry.to_json() | ({"samples": samples.to_json()} if samples else {})

    return await _found(services, task, find, with_samples=True)


@router.get("/history", dependencies=[need("read")], responses=problems())
async def history(services: Shared, task: TaskName | None = None) -> Found:
    """The versions of a book, the first one first."""
    return await _found(services, task, lambda rules, _: [version.to_json() for version in rules.history()])


@router.post("/test", dependencies=[need("read")], responses=problems(400, 408, 409))
async def test_rules(body: TestRules, services: Shared) -> Found:
    """Test the books on the server's labelled samples."""
    if not services.settings.data:
        raise Problem(409, "the server was started without labelled samples.")

    def find(rules: Rules, evidences: Sequence[Evidence]) -> Any:
        return {name: test.to_json() for name, test in rules.test(evidences).items()}

    return await _found(services, body.task, find, with_samples=True)


@router.post("/add", responses=problems(400, 408, 409))
async def add(body: AddRule, services: Shared, caller: Annotated[Caller, need("admin")]) -> Changed:
    """Add a rule."""
    return await _changed(services, caller, "add", body)


@router.post("/edit", responses=problems(400, 408, 409))
async def edit(body: EditRule, services: Shared, caller: Annotated[Caller, need("admin")]) -> Changed:
    """Change a rule."""
    return await _changed(services, caller, "edit", body)


@router.post("/disable", responses=problems(400, 408, 409))
async def disable(body: SwitchRule, services: Shared, caller: Annotated[Caller, need("admin")]) -> Changed:
    """Let a rule never fire."""
    return await _changed(services, caller, "disable", body)


@router.post("/enable", responses=problems(400, 408, 409))
async def enable(body: SwitchRule, services: Shared, caller: Annotated[Caller, need("admin")]) -> Changed:
    """Let a disabled rule fire again."""
    return await _changed(services, caller, "enable", body)


@router.post("/undo", responses=problems(400, 408, 409))
async def undo(body: UndoRule, services: Shared, caller: Annotated[Caller, need("admin")]) -> Changed:
    """Go back to an earlier version of a book."""
    return await _changed(services, caller, "undo", body)


async def _found(
    services: Services,
    task: str | None,
    find: Callable[[Rules, Sequence[Evidence]], Any],
    *,
    with_samples: bool = False,
) -> Found:
    served = services.served

    def run() -> Any:
        evidences = services.labelled.of(served.recognizer) if with_samples else ()
        return find(_rules(served, task), evidences)

    with services.told():
        found = await asyncio.to_thread(run)
    return Found(model=served.model, found=found)


async def _changed(services: Services, caller: Caller, command: Command, body: ChangeBody) -> Changed:
    made = await changed(services, caller, command, body)
    note = "" if services.settings.data else "the server was started without labelled samples: no effect is known"
    return Changed(
        change=made.change.to_json(),
        base=made.base,
        saved=made.version is not None,
        version=made.version,
        model=services.served.model,
        note=note,
    )


async def changed(services: Services, caller: Caller, command: Command, body: ChangeBody) -> Made:
    """Measure the effect of a change, and save it if that is wanted; one change at a time.

    Raises:
        Problem: the change cannot be made, or the book is another by now.
    """
    served = services.served
    given = body.model_dump(exclude={"task", "save", "base", "reason"})
    id = [given.pop("id")] if command in ("edit", "disable", "enable") else []

    def run() -> Made:
        evidences = services.labelled.of(served.recognizer)
        change = getattr(_rules(served, body.task), command)(*id, **given, reason=body.reason, evidences=evidences)
        base = digest(change.before)
        if body.base not in (None, base):
            raise Problem(409, "the book was changed since its effect was shown; look at the effect again.")
        return Made(change, base, change.save().number if body.save else None)

    async with services.changing:
        with services.told():
            made = await asyncio.to_thread(run)
            if body.save:
                served.rules_changed()
                told = {"task": made.change.file.book.task, "command": command, "number": made.version}
                log.info("rules changed", extra=told | {"by": caller.name})
    return made


def _rules(served: Served, task: str | None) -> Rules:
    rules = served.recognizer.rules
    return rules if task is None else rules.only(task)
