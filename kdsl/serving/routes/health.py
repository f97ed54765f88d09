"""`/healthz`, `/readyz`, `/metrics` and `/openapi.json`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from kdsl.serving.metrics import CONTENT_TYPE
from kdsl.serving.problems import Problem
from kdsl.serving.schemas import Health, Ready
from kdsl.serving.services import Shared, need, problems

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz(services: Shared) -> Health:
    """Whether the server is alive; needs no key."""
    return Health(queue_depth=services.bundles.current.depth if services.bundles.ready else 0)


@router.get("/readyz", responses=problems())
async def readyz(services: Shared) -> Ready:
    """Whether the server predicts: 503 until one real prediction went through; needs no key."""
    if not services.bundles.ready:
        raise Problem(503, "the bundle is being loaded.", retry_after=2)
    return Ready()


@router.get(
    "/metrics",
    dependencies=[need("read")],
    responses=problems(ok={"content": {"text/plain": {"schema": {"type": "string"}}}}),
    response_class=Response,
)
async def metrics(services: Shared) -> Response:
    """Figures for Prometheus."""
    bundles = services.bundles
    depth = bundles.current.depth if bundles.ready else 0
    return Response(services.metrics.exposition(depth, bundles.ready), media_type=CONTENT_TYPE)


@router.get("/openapi.json", dependencies=[need("read")], include_in_schema=False)
async def description(request: Request) -> JSONResponse:
    """The description of this API."""
    return JSONResponse(request.app.openapi())
