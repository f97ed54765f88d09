"""Spans reach a collector, and hold no text."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from helpers.running import running, said
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from kdsl.serving.settings import ServerSettings


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A server that takes what an exporter sends."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()


def test_a_request_is_a_span_with_its_id(light: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as (address, got):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        with running(ServerSettings(light, state=tmp_path / "state")) as started:
            started.client.post("/v1/predict", json=said("会不会生锈"), headers={"X-Request-Id": "r-9"})
    sent = [ExportTraceServiceRequest.FromString(body) for body in got]
    spans = [s for one in sent for r in one.resource_spans for scope in r.scope_spans for s in scope.spans]
    assert "POST /v1/predict" in [span.name for span in spans]
    ids = [a.value.string_value for span in spans for a in span.attributes if a.key == "kdsl.request_id"]
    assert "r-9" in ids
    assert "生锈".encode() not in b"".join(got)
