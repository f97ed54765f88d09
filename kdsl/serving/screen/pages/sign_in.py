"""`/screen/sign-in` and `/screen/sign-out`: a key becomes the session of a browser."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from kdsl.serving.problems import Problem
from kdsl.serving.screen.paths import ROOT, SIGN_IN
from kdsl.serving.screen.view import page
from kdsl.serving.services import Shared
from kdsl.serving.sessions import COOKIE, LASTS

router = APIRouter(prefix=ROOT, include_in_schema=False)

_LONGEST_KEY = 200


@router.get("/sign-in")
async def ask(request: Request, services: Shared) -> Response:
    """The form that asks for a key; a server without keys needs none."""
    if not services.needs_key:
        return RedirectResponse(ROOT, 303)
    return page(request, "sign_in.html.j2", wrong=False)


@router.post("/sign-in")
async def sign_in(request: Request, services: Shared) -> Response:
    """Begin a session, if the key is valid."""
    async with request.form(max_files=0, max_fields=1, max_part_size=_LONGEST_KEY) as form:
        key = str(form.get("key", "")).strip()
    address = request.client.host if request.client else ""
    try:
        entry = await services.checks.entry(key, address)
    except Problem as problem:
        if problem.status_code != 401:
            raise
        return page(request, "sign_in.html.j2", status=401, wrong=True)
    response = RedirectResponse(ROOT, 303)
    response.set_cookie(
        COOKIE,
        services.sessions.begin(entry),
        max_age=LASTS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/sign-out")
async def sign_out(request: Request, services: Shared) -> Response:
    """End the session."""
    services.sessions.end(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204, headers={"X-Go": f"{SIGN_IN}"})
    response.delete_cookie(COOKIE)
    return response
