"""What happens to every request before and after its route: its id, its log line, its size, its key, its share.

Plain ASGI, not Starlette's `BaseHTTPMiddleware`: a route has to see for itself when its client leaves.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from dataclasses import dataclass
from time import monotonic, time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, bound_contextvars

from kdsl.errors import InputError
from kdsl.serving.keys import ROLES, Keys, Role
from kdsl.serving.metrics import Metrics
from kdsl.serving.problems import Problem, internal, where_raised
from kdsl.serving.schemas import ID
from kdsl.serving.screen.paths import ROOT, SIGN_IN, STATIC
from kdsl.serving.sessions import COOKIE, KeyCheck, Sessions, address_of, check_origin, check_token
from kdsl.serving.settings import LOCAL_NAMES, ServerSettings

log = logging.getLogger(__name__)

OPEN = frozenset({"/healthz", "/readyz"})
"""Routes that need no key: they say one word and a number, and what asks for them has no key."""
UNSIGNED = frozenset({SIGN_IN})
"""Where a browser gives its key; the screen's own style and scripts, below `STATIC`, need none either."""
LEFT = 499
HELD = 16
"""Requests of the largest size whose bodies are held at once; further ones are told to come again."""


@dataclass(frozen=True)
class Caller:
    """Who asks, and what for they may."""

    name: str
    roles: frozenset[Role]
    token: str = ""
    """What the pages of a session send back; empty without one."""

    def allows(self, role: Role) -> bool:
        """Whether the caller may do what needs a role."""
        return role in self.roles or "admin" in self.roles


ANYONE = Caller("", frozenset(ROLES))
"""Whoever asks a server without keys, from this machine."""
NOBODY = Caller("", frozenset())
"""Whoever has not signed in yet."""


class Requests:
    """The outermost layer: gives each request an id and a deadline, echoes, counts and logs it, and catches all."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = monotonic()
        given = Headers(scope=scope).get("x-request-id", "")
        id = given if ID.fullmatch(given) else secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state["request_id"], state["arrived"] = id, start
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = id
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Cache-Control"] = "no-store"
            await send(message)

        with bound_contextvars(request_id=id):
            try:
                await self._app(scope, receive, send_named)
            except ClientDisconnect:
                log.info("the client left before its request had come")
            except Exception as error:
                log.error("failed", extra={"where": where_raised(error, message=self._settings.log_texts)})
                if not status:
                    await internal().response(id)(scope, receive, send_named)
            finally:
                self._tell(scope, status or LEFT, monotonic() - start)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.request(scope["method"], route, status, seconds)
        what = {"method": scope["method"], "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        log.info("request", extra=what)


class BodyLimit:
    """Refuses a body that is too large, by its declared size or while it comes, and one that comes too slowly."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app, self._seconds = app, settings.timeout
        self._most = int(settings.max_request_mb * 1e6)
        self._held = 0
        self._problem = Problem(413, f"a request may have {settings.max_request_mb:g} MB.")
        self._full = Problem(429, "the server holds as many bodies as it takes.", retry_after=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and float(declared) > self._most:  # `int` refuses thousands of digits
            await self._problem.response(scope["state"]["request_id"])(scope, receive, send)
            return
        until = asyncio.get_running_loop().time() + self._seconds
        size, whole = 0, False

        async def receive_limited() -> Message:
            nonlocal size, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError as error:
                raise Problem(408, "the request's body did not come in time.") from error
            if message["type"] == "http.request":
                size += len(message.get("body", b""))
                self._held += len(message.get("body", b""))
                whole = not message.get("more_body", False)
                if size > self._most:
                    raise self._problem
                if self._held > HELD * self._most:
                    raise self._full
            return message

        try:
            await self._app(scope, receive_limited, send)
        finally:
            self._held -= size


class Guard:
    """Lets through who has a valid key or the session of one, as often as the rate allows.

    Without any key, only this machine is served: by its own names, so that no page of the web can ask by a name of its
    own that leads here, and not on behalf of such a page.
    """

    def __init__(
        self, app: ASGIApp, settings: ServerSettings, keys: Keys, checks: KeyCheck, sessions: Sessions
    ) -> None:
        self._app, self._settings, self._keys = app, settings, keys
        self._checks, self._sessions = checks, sessions
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        try:
            self._rate = parse(settings.rate) if settings.rate else None
        except ValueError as error:
            raise InputError(f"`rate` {settings.rate!r}: expected such as 600/minute or 20/second.") from error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN:
            address = scope["client"][0] if scope.get("client") else ""
            try:
                caller = await self._caller(scope, address)
                self._count(caller.name or address)
            except Problem as problem:
                answer: ASGIApp = problem.response(scope["state"]["request_id"])
                if problem.status_code == 401 and scope["method"] == "GET" and _of_screen(scope["path"]):
                    answer = RedirectResponse(SIGN_IN, 303)
                await answer(scope, receive, send)
                return
            scope["state"]["caller"] = caller
            bind_contextvars(key=caller.name)
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope, address: str) -> Caller:
        headers = Headers(scope=scope)
        try:
            if not self._keys.needed and self._settings.local:
                _check_local(headers)
                return ANYONE
            if scope["path"] in UNSIGNED or scope["path"].startswith(STATIC):
                check_origin(headers)
                return NOBODY
            if (session := self._of_session(scope["method"], headers)) is not None:
                return session
        except InputError as error:
            log.error("%s", error)
            raise Problem(503, "the server's keys cannot be read; its log says more.", retry_after=60) from error
        kind, _, key = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise Problem(401, "send a key as the header 'Authorization: Bearer KEY'.")
        entry = await self._checks.entry(key, address)
        return Caller(entry.name, frozenset(entry.roles))

    def _of_session(self, method: str, headers: Headers) -> Caller | None:
        """The caller of a browser that signed in; a header with a key goes before its cookie."""
        secret = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        if secret is None or "authorization" in headers:
            return None
        found = self._sessions.find(secret)
        if found is None:
            return None
        entry, session = found
        check_token(method, headers, session)
        return Caller(entry.name, frozenset(entry.roles), session.token)

    def _count(self, who: str) -> None:
        if self._rate is not None and not self._limiter.hit(self._rate, "rate", who):
            reset = self._limiter.get_window_stats(self._rate, "rate", who).reset_time
            raise Problem(429, f"the rate is {self._settings.rate}.", retry_after=max(1, math.ceil(reset - time())))


def _check_local(headers: Headers) -> None:
    """Refuse what a browser sends on behalf of a page from elsewhere."""
    if address_of(f"//{headers.get('host', '')}").hostname not in LOCAL_NAMES:
        raise Problem(421, "without a key, this server answers by the name localhost alone.")
    check_origin(headers)


def _of_screen(path: str) -> bool:
    return path == "/" or path == ROOT or path.startswith(f"{ROOT}/")
