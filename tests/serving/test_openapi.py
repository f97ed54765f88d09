"""The OpenAPI description holds: schemathesis asks each operation, with what it allows and with what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from helpers.light_shop import copied
from helpers.running import Running, running
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from kdsl.serving.app import described
from kdsl.serving.keys import Keys
from kdsl.serving.settings import ServerSettings

EXAMPLES = 25
"""Of each operation."""
load_all_checks()


@pytest.fixture(scope="module")
def asked(fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, dict[str, str]]]:
    """A server of its own, and a key: rules are written, corrections stored, bundles swapped."""
    folder = tmp_path_factory.mktemp("asked")
    key = Keys(folder / "state" / "keys.json").add("tester", ["admin"])
    with running(ServerSettings(copied(fitted, folder / "bundles" / "shop"), state=folder / "state")) as started:
        yield started, {"Authorization": f"Bearer {key}"}


# each start of a refit is a process of its own (tests/serving/test_refit.py)
schema = schemathesis.openapi.from_dict(described().openapi()).exclude(path="/v1/refit", method="POST")


@schema.parametrize()
@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_operation_does_as_it_is_described(case: schemathesis.Case, asked: tuple[Running, dict[str, str]]) -> None:
    started, key = asked
    wait = str(case.headers.get("X-Timeout-Ms", ""))
    if wait.isdecimal() and 1 <= int(wait) <= 3_600_000:
        case.headers["X-Timeout-Ms"] = "600000"  # else the machine's speed decides whether the answer is a 504
    # what the description allows may still be refused: a label that the task has not, a text that is no picture
    excluded = [positive_data_acceptance]
    if case.method == "GET":  # what a query holds besides the parameters that are described is not looked at
        excluded.append(negative_data_rejection)
    answer = case.call_and_validate(started.url, headers=key, timeout=600, excluded_checks=excluded)
    assert "Traceback" not in answer.text
    assert str(started.services.settings.bundle.parent) not in answer.text


def test_the_server_goes_on_after_all_that(asked: tuple[Running, dict[str, str]]) -> None:
    started, key = asked
    answer = started.client.post("/v1/predict", json={"turns": [{"text": "money back"}]}, headers=key)
    assert answer.json()["prediction"]["label"] == "refund"
