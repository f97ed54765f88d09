"""`build_app`: the routes of a server around its services, and `serve`, which runs it until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from kdsl import __version__
from kdsl.corrections.feedback import Feedback
from kdsl.corrections.queue import Queue
from kdsl.serving.bundles import Bundles
from kdsl.serving.keeper import Keeper
from kdsl.serving.keys import Keys
from kdsl.serving.labelled import Labelled
from kdsl.serving.logs import configure_logs
from kdsl.serving.metrics import Metrics
from kdsl.serving.middleware import OPEN, BodyLimit, Guard, Requests
from kdsl.serving.problems import Problem, ProblemDetails
from kdsl.serving.refits import Refits
from kdsl.serving.routes import bundles, feedback, health, label_studio, predict, queue, refit, rules
from kdsl.serving.schemas import Item
from kdsl.serving.screen.app import add_screen
from kdsl.serving.screen.paths import ROOT
from kdsl.serving.screen.view import problem_page
from kdsl.serving.services import Services
from kdsl.serving.sessions import KeyCheck, Sessions
from kdsl.serving.settings import ServerSettings
from kdsl.serving.tracing import trace

log = logging.getLogger(__name__)

STOP_AFTER = 5
"""Seconds beyond the time-out of requests that a stopping server waits for them."""


def build_app(settings: ServerSettings) -> FastAPI:
    """The app of one server; its services are `app.state.services`.

    Raises:
        KdslError: the bundle, the keys or the corrections cannot be used, or others could reach it without a key.
    """
    settings.make_state_folder()
    keys = Keys(settings.state_folder / "keys.json")
    settings.check_reach(len(keys.entries))
    checks, sessions = KeyCheck(keys), Sessions(keys)
    metrics = Metrics()
    corrections = Feedback(settings.state_folder / "feedback.sqlite")
    waiting = Queue(settings.state_folder / "queue.sqlite", corrections)
    services = Services(
        settings=settings,
        keys=keys,
        metrics=metrics,
        bundles=Bundles(settings, metrics.batch),
        feedback=corrections,
        queue=waiting,
        keeper=Keeper(waiting),
        refits=Refits(settings),
        labelled=Labelled(settings),
        changing=asyncio.Lock(),
        checks=checks,
        sessions=sessions,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(services.bundles.start())
        loading.add_done_callback(app.state.loaded)
        yield
        await asyncio.wait([loading])
        await services.bundles.close()
        await asyncio.to_thread(services.keeper.close)
        await services.refits.close()
        await asyncio.to_thread(stop_tracing)

    app = described(
        lifespan=lifespan,
        middleware=[
            Middleware(Requests, settings=settings, metrics=metrics),
            Middleware(Guard, settings=settings, keys=keys, checks=checks, sessions=sessions),
            Middleware(BodyLimit, settings=settings),
        ],
    )
    app.state.services = services
    app.state.loaded = _ignore
    add_screen(app)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    stop_tracing = trace(app)
    return app


def described(**options: Any) -> FastAPI:
    """The routes and their OpenAPI description, without what is behind them.

    Args:
        options: of FastAPI.
    """
    app = FastAPI(title="kdsl", version=__version__, openapi_url=None, **options)  # `health` has it, behind a key
    for part in (predict, rules, feedback, queue, refit, bundles, label_studio, health):
        app.include_router(part.router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def serve(settings: ServerSettings) -> None:
    """Serve until SIGINT or SIGTERM; what has been admitted by then is answered.

    Raises:
        KdslError: the server cannot be started, or its bundle does not predict.
    """
    configure_logs()
    app = build_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.timeout) + STOP_AFTER,
    )
    server = uvicorn.Server(config)
    failure: list[BaseException] = []

    def loaded(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            failure.append(error)
            server.should_exit = True
        else:
            log.info("ready")

    app.state.loaded = loaded
    server.run()
    if failure:
        raise failure[0]


def _ignore(task: asyncio.Task[None]) -> None:
    """Of an app that is mounted elsewhere, `/readyz` says whether it loaded."""


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = error if isinstance(error, Problem) else Problem(error.status_code, str(error.detail))
    route = getattr(request.scope.get("route"), "path", None)
    methods = request.app.openapi()["paths"].get(route)
    if error.status_code == 405 and methods:  # Starlette names the methods of a path's first route alone
        problem.headers = {"Allow": ", ".join(sorted(methods)).upper()}
    return _told(request, problem)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _told(request, predict.invalid(error.errors()))


def _told(request: Request, problem: Problem) -> Response:
    """A problem as a page of the screen, where a page was asked for."""
    if request.method == "GET" and request.url.path.startswith(f"{ROOT}/"):
        return problem_page(request, problem)
    return problem.response(request.state.request_id)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description, with the models that routes read or answer by themselves."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        _, own = models_json_schema(
            [(Item, "validation"), (ProblemDetails, "serialization")], ref_template="#/components/schemas/{model}"
        )
        components = schema.setdefault("components", {})
        components["schemas"] = {**components.get("schemas", {}), **own["$defs"]}
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path in schema["paths"].keys() - OPEN:
            for operation in schema["paths"][path].values():
                operation["security"] = [{"key": []}]
        app.openapi_schema = schema
    return app.openapi_schema
