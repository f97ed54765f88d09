"""`add_screen`: the screen's pages and files in the server's app."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from kdsl.serving.middleware import Caller
from kdsl.serving.problems import Problem
from kdsl.serving.screen.navigation import NAVIGATION
from kdsl.serving.screen.pages import predict, queue, refit, report, rules, sign_in
from kdsl.serving.screen.paths import ROOT, STATIC

router = APIRouter(include_in_schema=False)

PAGES = (router, sign_in.router, predict.router, rules.router, report.router, queue.router, refit.router)


@router.get("/")
@router.get(ROOT)
async def first_page(request: Request) -> Response:
    """The first page that the visitor may see."""
    caller: Caller = request.state.caller
    for entry in NAVIGATION:
        if caller.allows(entry.role):
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(entry.path + query, 303)
    raise Problem(403, "the key allows none of the screen's pages.")


def add_screen(app: FastAPI) -> None:
    """Add the screen to the server's app."""
    for one in PAGES:
        app.include_router(one)
    app.mount(STATIC.rstrip("/"), StaticFiles(directory=Path(__file__).with_name("static")))
