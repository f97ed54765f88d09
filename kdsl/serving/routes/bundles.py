"""`/v1/bundles`: which bundle is served, another in its place, and the one before again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from kdsl.errors import BundleError, ConfigError, InputError
from kdsl.serving.bundles import Busy
from kdsl.serving.problems import Problem, without_folders
from kdsl.serving.schemas import Body, Model
from kdsl.serving.services import Services, Shared, need, problems

router = APIRouter(prefix="/v1/bundles", tags=["bundles"])

FolderName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^/\\\x00]+$")]


class Swap(Body):
    """The bundle to serve."""

    bundle: FolderName
    """The name of a folder beside the bundle that is served; the same name reads that again."""
    anyway: bool = False
    """Serve a candidate that a refit found worse, too."""


class BundleList(BaseModel):
    """The bundles that could be served."""

    model: Model
    previous: str | None = Field(description="The bundle to go back to.")
    bundles: list[str]


@router.get("", dependencies=[need("read")], responses=problems())
async def list_bundles(services: Shared) -> BundleList:
    """The bundle that is served, the one before, and those beside it."""
    return _listed(services)


@router.post("", dependencies=[need("admin")], responses=problems(400, 404, 408, 409))
async def swap(body: Swap, services: Shared) -> BundleList:
    """Serve another bundle, once it has predicted; until then, and if it does not, the present one goes on."""
    if body.bundle not in services.bundles.names:
        raise Problem(404, "there is no such bundle beside the one that is served.")
    return await _swapped(services, body.bundle, anyway=body.anyway)


@router.post("/back", dependencies=[need("admin")], responses=problems(409))
async def back(services: Shared) -> BundleList:
    """Serve the bundle that was served before."""
    return await _swapped(services, None)


async def _swapped(services: Services, name: str | None, *, anyway: bool = False) -> BundleList:
    bundles = services.bundles
    try:
        await (bundles.back() if name is None else bundles.swap(name, anyway=anyway))
    except Busy as error:
        raise Problem(409, "another bundle is being opened.", retry_after=5) from error
    except (BundleError, ConfigError, InputError) as error:
        detail = without_folders(str(error), services.folders)
        raise Problem(409, f"bundle '{bundles.current.name}' goes on: {detail}") from error
    return _listed(services)


def _listed(services: Services) -> BundleList:
    bundles = services.bundles
    return BundleList(model=services.served.model, previous=bundles.record.previous, bundles=bundles.names)
