"""`/screen/predict`: a dialogue and pictures in, the prediction with all that led to it out, and its correction."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from kdsl.data.dialogue import IMAGE, dialogue_body, has_dialogue, parse_turns
from kdsl.data.speakers import Speakers
from kdsl.errors import InputError
from kdsl.serving.middleware import Caller
from kdsl.serving.problems import Problem
from kdsl.serving.routes import feedback
from kdsl.serving.routes.predict import deadline_of, invalid, predicted, sample_of
from kdsl.serving.schemas import MOST_LETTERS, MOST_PICTURES, MOST_TURNS, Item, SaidTurn
from kdsl.serving.screen.examples import examples_of
from kdsl.serving.screen.look import look
from kdsl.serving.screen.paths import ROOT
from kdsl.serving.screen.view import page, part
from kdsl.serving.services import Services, Shared, need, unless_left

router = APIRouter(prefix=f"{ROOT}/predict", include_in_schema=False)

LIKELIEST = 8
"""Labels whose probabilities are shown at once; the others are folded away."""
NONE_FITS = ""
"""The value of the button that says so."""
_FORM_MB = 1


@router.get("", dependencies=[need("predict")])
async def ask(request: Request, services: Shared) -> Response:
    """The form."""
    served = services.served
    examples = await asyncio.to_thread(examples_of, served.recognizer.bundle)
    return page(request, "predict.html.j2", tasks=served.tasks, examples=examples, most_pictures=MOST_PICTURES)


@router.get("/examples/{task}/{number}/{picture}", dependencies=[need("predict")])
async def example_picture(task: str, number: int, picture: int, services: Shared) -> Response:
    """A picture of an example."""
    found = await asyncio.to_thread(examples_of, services.served.recognizer.bundle)
    for example in found:
        if (example.task, example.number) == (task, number) and 0 <= picture < len(example.pictures):
            return Response(example.pictures[picture], media_type="image/png")
    raise Problem(404, "there is no such example.")


@router.post("", dependencies=[need("predict")])
async def predict(request: Request, services: Shared) -> Response:
    """The prediction of what the form holds."""
    _, item, pictures = await _read(request, services)
    served = services.served
    with services.told():
        sample = sample_of(item, pictures, request.state.request_id)
        with served.admission(1):
            work = predicted(services, served, sample, deadline_of(request, services, None))
            found, evidence = await unless_left(request, work)
        prediction = found.prediction
        book = served.recognizer.rules.books.get(prediction.task)
        return part(
            request,
            "prediction.html.j2",
            found=found,
            prediction=prediction,
            look=look(evidence, book, prediction),
            model=served.model,
            threshold=next(task.ask_below for task in served.tasks if task.name == prediction.task),
            likeliest=LIKELIEST,
            none_fits=NONE_FITS,
        )


@router.post("/correct")
async def correct(request: Request, services: Shared, caller: Annotated[Caller, need("feedback")]) -> Response:
    """Store a person's label of what was predicted, as `/v1/feedback` does."""
    form, item, pictures = await _read(request, services)
    if "label" not in form:
        raise Problem(422, "the form says no label.")
    encoded = [base64.b64encode(content).decode() for content in pictures]
    try:
        shown = feedback.Shown.model_validate({name: form.get(f"shown_{name}") for name in feedback.Shown.model_fields})
        body = feedback.Correct(
            sample=item.model_copy(update={"pictures": encoded}),
            label=str(form["label"]) or None,
            shown=shown,
        )
    except ValidationError as error:
        raise invalid(error.errors()) from error
    stored = await feedback.correct(body, request, services, caller)
    return part(request, "corrected.html.j2", stored=stored, label=body.label)


@router.post("/correct/{number}/undo")
async def undo(
    number: feedback.Number, request: Request, services: Shared, caller: Annotated[Caller, need("feedback")]
) -> Response:
    """Take a correction back."""
    await feedback.undo(number, services, caller)
    return part(request, "undone.html.j2", number=number)


async def _read(request: Request, services: Services) -> tuple[FormData, Item, Sequence[bytes]]:
    """The form of the page: the sample, and the content of its pictures. Names of files are not looked at."""
    try:
        async with request.form(max_files=MOST_PICTURES, max_fields=16, max_part_size=_FORM_MB << 20) as form:
            files = [file for file in form.getlist("pictures") if isinstance(file, UploadFile)]
            pictures = [content for file in files if (content := await file.read())]
            text, task = str(form.get("dialogue", "")), str(form.get("task", ""))
            alone = any(info.name == task and info.input == "picture" for info in services.served.tasks)
            turns = [] if alone else _turns(text, len(pictures), services)
            if alone and len(pictures) != 1:
                raise InputError(f"task '{task}' takes exactly one picture; there are {len(pictures)}.")
            if not turns and not alone:
                raise InputError("there is nothing to predict: write a dialogue, or add a picture.")
            return form, Item(task=task or None, turns=turns), pictures
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False, include_context=False)) from error
    except InputError as error:
        raise Problem(422, str(error)) from error


def _turns(text: str, pictures: int, services: Services) -> list[SaidTurn]:
    """The turns of a pasted dialogue; a text without speakers is one turn of the user. Pictures that no turn names were
    sent at its end."""
    speakers = Speakers.of(services.served.recognizer.bundle.tasks)
    if has_dialogue(text, speakers):
        said = [(turn.role, turn.text) for turn in parse_turns(dialogue_body(text).strip(), speakers)]
    else:
        said = [("user", text.strip())] if text.strip() else []
    left = pictures - sum(words.count(IMAGE) for _, words in said)
    said += [("user", IMAGE)] * max(left, 0)
    if len(said) > MOST_TURNS:
        raise InputError(f"the dialogue has {len(said):,} turns, and at most {MOST_TURNS} are read: paste its end.")
    if (longest := max((len(words) for _, words in said), default=0)) > MOST_LETTERS:
        raise InputError(f"a turn has {longest:,} letters, and at most {MOST_LETTERS:,} are read: paste what matters.")
    return [SaidTurn(role=role, text=words) for role, words in said]
