"""Which candidates may take a bundle's place, and the way to ask a server to switch, and to switch back."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from kdsl.corrections.comparison import Comparison
from kdsl.ensemble.bundle import Bundle
from kdsl.errors import InputError
from kdsl.runs import digest
from kdsl.tasks import Task

MADE_FROM = "refit/made_from.json"
"""Where a candidate keeps the id of the bundle that it is made from."""
PATIENCE = 600.0
"""Seconds in which a server opens a bundle and tries it."""


def check_switch(candidate: Path, served: Bundle) -> None:
    """Refuse a candidate that should not be served in place of a bundle; any other bundle may be.

    Raises:
        InputError: it is worse, was not compared to the end, or lacks what was done to the bundle's rules since.
    """
    if not (candidate / MADE_FROM).is_file():
        return
    found = Comparison.of_candidate(candidate)
    name = candidate.name
    if found is None:
        raise InputError(f"'{name}' was not compared with the bundle that it is made from; go on with its refit first.")
    if found.verdict == "worse":
        why = "; ".join(f"{task.task}: {reason}" for task in found.tasks for reason in task.reasons)
        raise InputError(f"'{name}' is worse than the bundle that it was made from ({why}). Give `anyway` to serve it.")
    if found.before == served.manifest["id"] and found.rules != books_digest(served):
        raise InputError(
            f"rules of '{served.folder.name}' were changed since '{name}' was made, which lacks that; run its refit "
            "once more (all that is finished is kept), or give `anyway`."
        )


def books_digest(bundle: Bundle) -> str:
    """A digest of a bundle's rule books as they are now."""
    return digest([book_of(bundle, task).read_bytes() for task in tasks_with_book(bundle)])


def tasks_with_book(bundle: Bundle) -> list[Task]:
    """The tasks that have a rule book."""
    return [task for task in bundle.tasks if book_of(bundle, task).is_file()]


def book_of(bundle: Bundle, task: Task) -> Path:
    """The file of a task's rule book."""
    return bundle.folder / "rules" / f"{task.name}.yaml"


def ask_to_switch(server: str, bundle: str | None, *, anyway: bool = False, key: str | None = None) -> dict[str, Any]:
    """Ask a running server to serve another bundle, or the one before; its answer, as `/v1/bundles` gives it.

    Args:
        server: its address, such as http://127.0.0.1:8000.
        bundle: the name of a folder beside the bundle that it serves; None for the one before.
        key: one with the role 'admin', where the server needs keys.

    Raises:
        InputError: the server cannot be reached, or refuses; its own words say why.
    """
    if not server.startswith(("http://", "https://")):
        raise InputError(f"`server` {server!r}: expected an address such as http://127.0.0.1:8000.")
    path = "/v1/bundles/back" if bundle is None else "/v1/bundles"
    body = b"" if bundle is None else json.dumps({"bundle": bundle, "anyway": anyway}).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(server.rstrip("/") + path, body, headers, method="POST")
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        raise InputError(f"the server refuses: {_detail(error)}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"no kdsl server answers at {server} ({reason}). Where none runs, start one with the bundle that you want."
        ) from error


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"
