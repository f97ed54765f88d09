"""`KdslBackend`: a backend of Label Studio's package `label-studio-ml` that asks a kdsl server.

The package (1.0.9, the last on PyPI) pins versions of Flask and Jinja2 that nothing else can live with, so it has an
environment of its own, and this module imports nothing of kdsl (docs/corrections.md). `_wsgi.py` of such a backend:

    from label_studio_ml.api import init_app
    from kdsl.corrections.label_studio_backend import KdslBackend

    app = init_app(KdslBackend, server="http://127.0.0.1:8000")
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Sequence
from typing import Any

from label_studio_ml.model import LabelStudioMLBase

SECONDS = 120.0


class KdslBackend(LabelStudioMLBase):
    """Pre-annotates with the bundle that a server serves.

    Args:
        label_config: the project's labelling interface, as XML.
        server: the server's address. A key, where it needs one, is in the environment's KDSL_KEY.
    """

    def __init__(
        self,
        label_config: str | None = None,
        train_output: Any = None,
        server: str = "http://127.0.0.1:8000",
        **others: Any,
    ) -> None:
        super().__init__(label_config, train_output, **others)
        self._address = f"{server.rstrip('/')}/label-studio/predict"

    def predict(self, tasks: Sequence[dict[str, Any]], **context: Any) -> list[dict[str, Any]]:
        """A prediction with its score for each task, in their order."""
        body = {"tasks": [{"data": task["data"]} for task in tasks], "label_config": self.label_config}
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("KDSL_KEY"):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self._address, json.dumps(body).encode(), headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=SECONDS) as answer:
            found: list[dict[str, Any]] = json.load(answer)["results"]
            return found
