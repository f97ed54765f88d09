"""What went wrong, as a client is told it: `application/problem+json` (RFC 9457), without a path or a stack."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "No valid key",
    403: "The key does not allow this",
    404: "Not found",
    405: "Method not allowed",
    408: "The request came too slowly",
    409: "Conflict",
    413: "Request too large",
    415: "Unsupported media type",
    421: "Another host",
    422: "Cannot be processed",
    429: "Too many requests",
    499: "The client left",
    500: "Internal error",
    503: "Not ready",
    504: "Out of time",
    507: "No room on the server's disk",
}


class ProblemDetails(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    faults: list[str] = Field([], description="What is wrong in the request, by its place.")
    request_id: str


class Problem(HTTPException):
    """An answer other than the one that was asked for; `retry_after` is in seconds."""

    def __init__(self, status: int, detail: str, *, faults: Sequence[str] = (), retry_after: int | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        super().__init__(status, detail, headers)
        self.faults = list(faults)

    def details(self, request_id: str) -> ProblemDetails:
        """What the client is told."""
        return ProblemDetails(
            title=TITLES.get(self.status_code, "Error"),
            status=self.status_code,
            detail=self.detail,
            faults=self.faults,
            request_id=request_id,
        )

    def response(self, request_id: str) -> Response:
        """The answer."""
        content = self.details(request_id).model_dump_json()
        return Response(content, self.status_code, self.headers, MEDIA_TYPE)


def internal() -> Problem:
    """The answer where kdsl itself is at fault."""
    return Problem(500, "kdsl failed at this request; its log says more under the request's id.")


def without_folders(message: str, folders: Iterable[Path]) -> str:
    """A message of the library, which names files, without the folders that the files lie in."""
    names = {str(one) for folder in folders for one in (folder, folder.resolve())}
    for name in sorted(names, key=len, reverse=True):
        if len(name) > 1:
            message = message.replace(f"{name}/", "").replace(name, Path(name).name)
    return message


def where_raised(error: BaseException, *, message: bool) -> str:
    """The stack of an error for the log; its message, which may quote a user, only where that is wanted."""
    stack = "".join(traceback.format_tb(error.__traceback__))
    return f"{stack}{type(error).__name__}" + (f": {error}" if message else "")
