"""What deploy/ watches is what a running server tells: every metric and every label that a query names is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from helpers.running import Running, said
from prometheus_client.parser import text_string_to_metric_families

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "kdsl.json").read_text("utf-8"))
ADDED = {"instance", "job"}
"""Labels that Prometheus adds."""


@pytest.fixture(scope="module")
def told(server: Running) -> dict[str, set[str]]:
    """Names of series -> names of their labels, as /metrics has them after a prediction."""
    assert server.client.post("/v1/predict", json=said("money back")).status_code == 200
    found: dict[str, set[str]] = {}
    families = list(text_string_to_metric_families(server.client.get("/metrics").text))
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
        if not family.samples:  # nothing of the kind has happened yet: its labels are those it is declared with
            declared = next(m for m in vars(server.services.metrics).values() if getattr(m, "_name", "") == family.name)
            found[f"{family.name}_total"] = set(declared._labelnames)
    return found


def queries() -> Iterator[tuple[str, str]]:
    """(where it stands, query) of the dashboard and of the alerts."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        yield variable["name"], variable["query"]["query"]
    for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_a_query_asks_for_what_the_server_tells(told: dict[str, set[str]], where: str, query: str) -> None:
    names = set(re.findall(r"\b(?:kdsl|process)_\w+", query.replace("kdsl-prometheus", "")))
    assert names <= set(told), where
    assert names or query == 'up{job="kdsl"} == 0'
    labels = {name for inside in re.findall(r"\b(?:by|on) \(([^)]*)\)", query) for name in re.findall(r"\w+", inside)}
    labels |= {name for inside in re.findall(r"\{([^}]*)\}", query) for name in re.findall(r"(\w+)\s*[=!]~?", inside)}
    assert labels - ADDED <= set().union(*(told[name] for name in names)), where


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_counters_are_asked_for_their_rate(where: str, query: str) -> None:
    for name in re.findall(r"\bkdsl_\w+_(?:total|bucket|sum|count)\b", query):
        assert re.search(rf"(?:rate|increase)\({name}", query), where


def test_the_dashboard_shows_all_that_the_server_counts(told: dict[str, set[str]]) -> None:
    shown = " ".join(query for _, query in queries())
    counted = {re.sub(r"_(?:total|bucket|sum|count|created)$", "", name) for name in told if name.startswith("kdsl_")}
    assert {name for name in counted if name not in shown} == set()


def test_dashboard_and_data_source_name_each_other() -> None:
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text("utf-8"))
    (source,) = sources["datasources"]
    asked = {target["datasource"]["uid"] for panel in DASHBOARD["panels"] for target in panel["targets"]}
    assert asked == {source["uid"]}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
