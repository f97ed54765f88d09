"""`/screen/refit`: a candidate from corrections: begun, followed, compared label by label, switched to, and back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from kdsl.serving.middleware import Caller
from kdsl.serving.routes import bundles, refit
from kdsl.serving.routes.predict import invalid
from kdsl.serving.screen.paths import ROOT
from kdsl.serving.screen.view import page, part
from kdsl.serving.services import Services, Shared, need

router = APIRouter(prefix=f"{ROOT}/refit", include_in_schema=False)

MOST_MOVED = 12
"""Samples of one kind that are shown."""


@router.get("", dependencies=[need("admin")])
async def look(request: Request, services: Shared) -> Response:
    """The page."""
    return page(request, "refit.html.j2", **await _values(services))


@router.post("/state", dependencies=[need("admin")])
async def state(request: Request, services: Shared) -> Response:
    """What became of the candidate by now."""
    return await _state(request, services)


@router.post("/start")
async def start(request: Request, services: Shared, caller: Annotated[Caller, need("admin")]) -> Response:
    """Make a candidate, or go on with one."""
    await refit.start_refit(services, caller)
    return await _state(request, services)


@router.post("/stop", dependencies=[need("admin")])
async def stop(request: Request, services: Shared) -> Response:
    """Stop it."""
    await refit.stop_refit(services)
    return await _state(request, services)


@router.post("/switch", dependencies=[need("admin")])
async def switch(request: Request, services: Shared) -> Response:
    """Serve the candidate."""
    async with request.form(max_files=0, max_fields=2) as form:
        try:
            body = bundles.Swap(bundle=str(form.get("bundle", "")), anyway=form.get("anyway") == "true")
        except ValidationError as error:
            raise invalid(error.errors()) from error
    await bundles.swap(body, services)
    return await _state(request, services)


@router.post("/back", dependencies=[need("admin")])
async def back(request: Request, services: Shared) -> Response:
    """Serve the bundle that was served before."""
    await bundles.back(services)
    return await _state(request, services)


async def _state(request: Request, services: Services) -> Response:
    return part(request, "candidate.html.j2", **await _values(services))


async def _values(services: Services) -> dict[str, Any]:
    return {
        "found": await refit.show_refit(services),
        "served": services.served.name,
        "previous": services.bundles.record.previous,
        "most": MOST_MOVED,
    }
