"""`/screen/rules`: the books as a table, a rule with its samples, changes with their effect, and the history.

What changes a book are the commands of `kdsl rules`, as `/v1/rules` has them: the effect is shown first, and the form
that saves it carries the digest of the book that it was shown for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from kdsl.rules.collection import Rules
from kdsl.rules.grammar import GRAMMAR
from kdsl.rules.listing import How, SortKey
from kdsl.serving.middleware import Caller
from kdsl.serving.problems import Problem
from kdsl.serving.routes import rules as api
from kdsl.serving.routes.predict import invalid
from kdsl.serving.screen.paths import ROOT
from kdsl.serving.screen.view import page, part
from kdsl.serving.services import Services, Shared, need

router = APIRouter(prefix=f"{ROOT}/rules", include_in_schema=False)
T = TypeVar("T")

BODIES: dict[api.Command, type[api.ChangeBody]] = {
    "add": api.AddRule,
    "edit": api.EditRule,
    "disable": api.SwitchRule,
    "enable": api.SwitchRule,
    "undo": api.UndoRule,
}
LISTS = ("when", "any", "none")
"""Fields with one literal per line."""
MOST_SAMPLES = 20
"""Samples of one kind that are shown of a rule."""
MOST_MOVED = 12
"""Samples of one kind that are shown of an effect."""
_MOST_FIELDS = 200


@router.get("", dependencies=[need("read")])
async def table(
    request: Request,
    services: Shared,
    task: str = "",
    label: str = "",
    origin: Annotated[str, Query(pattern=f"^({'|'.join(get_args(How))}|)$")] = "",
    sort: Annotated[str, Query(pattern=f"^({'|'.join(get_args(SortKey))}|)$")] = "",
    text: str = "",
) -> Response:
    """The rules of a book, filtered and sorted."""

    def find(rules: Rules) -> dict[str, Any]:
        if not rules:
            raise Problem(404, "the bundle has no rules.")
        name = task or next(iter(rules))
        one = rules.only(name)
        listed = one.list(label or None, origin or None, sort=sort or None)  # type: ignore[arg-type]
        wanted = text.casefold()
        entries = [entry for entry in listed if wanted in f"{entry.rule.id} {entry.rule.text}".casefold()]
        return {"task": name, "tasks": list(rules), "book": one[name], "entries": entries}

    values = await _found(services, find)
    chosen = {"label": label, "origin": origin, "sort": sort, "text": text}
    ways: dict[str, Any] = {"origins": get_args(How), "sorts": get_args(SortKey), "grammar": GRAMMAR}
    return page(request, "rules.html.j2", chosen=chosen, **values, **ways)


@router.get("/rule", dependencies=[need("read")])
async def rule(request: Request, services: Shared, id: str) -> Response:
    """A rule with the samples on which it is right and wrong."""
    recognizer = services.served.recognizer

    def find(rules: Rules) -> dict[str, Any]:
        entry, samples = rules.show(id, services.labelled.of(recognizer))
        return {"entry": entry, "samples": samples, "book": rules[entry.task]}

    values = await _found(services, find)
    return page(request, "rule.html.j2", grammar=GRAMMAR, most=MOST_SAMPLES, **values)


@router.get("/history", dependencies=[need("read")])
async def history(request: Request, services: Shared, task: str) -> Response:
    """The versions of a book, the last one first."""
    versions = await _found(services, lambda rules: rules.only(task).history())
    return page(request, "history.html.j2", task=task, versions=list(reversed(versions)))


@router.post("/{command}")
async def change(
    command: api.Command, request: Request, services: Shared, caller: Annotated[Caller, need("admin")]
) -> Response:
    """The effect of a change, or the change itself if the form says `save`."""
    async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
        sent = [(name, str(value)) for name, value in form.multi_items()]
        body = _body(command, form)
    made = await api.changed(services, caller, command, body)
    return part(
        request,
        "change.html.j2",
        command=command,
        made=made,
        sent=[(name, value) for name, value in sent if name not in ("save", "base")],
        task=made.change.file.book.task,
        measured=bool(services.settings.data),
        most=MOST_MOVED,
    )


def _body(command: api.Command, form: FormData) -> api.ChangeBody:
    """The fields of a form as the body that the API takes; empty ones count as not given."""
    values: dict[str, Any] = {name: value for name, value in form.items() if value != ""}
    model = BODIES[command]
    for name in LISTS:
        if name in model.model_fields:
            values[name] = [line.strip() for line in str(form.get(name, "")).splitlines() if line.strip()]
    if "drop" in model.model_fields:
        values["drop"] = form.getlist("drop")
    if command == "edit" and values.get("label") == values.pop("label_before", None):
        values.pop("label", None)
    if command == "edit" and values.get("weight") == values.pop("weight_before", None):
        values.pop("weight", None)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid(error.errors()) from error


async def _found(services: Services, find: Callable[[Rules], T]) -> T:
    rules = services.served.recognizer.rules
    with services.told():
        return await asyncio.to_thread(find, rules)
