"""`Metrics`: what Prometheus reads at `/metrics`; texts and names of users are in none of it."""

from __future__ import annotations

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from kdsl.data.prediction import Prediction

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The figures of one server, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        ProcessCollector(registry=registry)  # memory and processor time of this process
        self._requests = Counter("kdsl_requests", "Requests.", ["method", "route", "status"], registry=registry)
        self._latency = Histogram(
            "kdsl_request_seconds", "From a request to its answer.", ["route"], buckets=SECONDS, registry=registry
        )
        self._wait = Histogram(
            "kdsl_queue_wait_seconds", "From a sample being read to its batch.", buckets=SECONDS, registry=registry
        )
        self._batch = Histogram(
            "kdsl_batch_samples", "Samples of a batch.", buckets=(1, 2, 4, 8, 16, 32, 64, 128), registry=registry
        )
        self._model = Histogram("kdsl_model_seconds", "A batch in the model.", buckets=SECONDS, registry=registry)
        self._depth = Gauge("kdsl_queue_depth", "Samples that wait for the model.", registry=registry)
        self._labels = Counter("kdsl_predictions", "Predictions.", ["task", "label"], registry=registry)
        self._abstained = Counter(
            "kdsl_abstentions", "Predictions that ask for a person.", ["task", "reason"], registry=registry
        )
        self._skipped = Counter("kdsl_skipped", "Samples that were not answered.", ["reason"], registry=registry)
        self._feedback = Counter("kdsl_feedback", "Corrections by people.", ["task"], registry=registry)
        self._ready = Gauge("kdsl_ready", "1 once a real prediction went through.", registry=registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request; `route` is the path of the route, not what was asked for."""
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def batch(self, samples: int, seconds: float) -> None:
        """Count a batch that went through the model."""
        self._batch.observe(samples)
        self._model.observe(seconds)

    def predicted(self, found: Prediction, waited: float) -> None:
        """Count a prediction; `waited` is in seconds."""
        self._wait.observe(waited)
        self._labels.labels(found.task, found.label).inc()
        if found.abstained:
            self._abstained.labels(found.task, "out_of_scope" if found.out_of_scope else "unsure").inc()

    def skipped(self, reason: str) -> None:
        """Count a sample without an answer: 'overload', 'deadline', 'left' or 'failed'."""
        self._skipped.labels(reason).inc()

    def corrected(self, task: str) -> None:
        """Count a correction."""
        self._feedback.labels(task).inc()

    def exposition(self, depth: int, ready: bool) -> bytes:
        """All figures in Prometheus' text format."""
        self._depth.set(depth)
        self._ready.set(ready)
        return generate_latest(self._registry)
