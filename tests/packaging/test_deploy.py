"""The files of deploy/ and the workflows say the same as the code that they run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from kdsl.cli.main import cli
from kdsl.machine import EXTRAS
from kdsl.serving.app import STOP_AFTER
from kdsl.serving.settings import ServerSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
IMAGES = ("cpu.Dockerfile", "gpu.Dockerfile")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
STOPS_IN = ServerSettings(Path()).timeout + STOP_AFTER


def loaded(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))


def options_of(words: list[str]) -> set[str]:
    """The flags of a `kdsl` command line, all of which the command must know."""
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None
    known = {flag for option in command.params for flag in option.opts}
    given = {word for word in words if word.startswith("--")}
    assert given <= known
    return given


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_installs_extras_that_there_are_and_starts_a_command_that_there_is(image: str) -> None:
    text = (DEPLOY / image).read_text("utf-8")
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", text)
    assert set(extras.split(",")) <= set(EXTRAS)
    (command,) = re.findall(r'^CMD \["(serve.*)"\]$', text, re.MULTILINE)
    assert options_of(command.split('", "')) == {"--bundle", "--state", "--host"}
    assert re.search(r"^USER 10001$", text, re.MULTILINE), "the image runs as root"
    assert text.index("useradd --uid 10001") < text.index("USER 10001")


def test_all_that_a_wheel_is_built_of_is_sent_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    shipped = re.findall(r'^"(\w+)" = "kdsl/resources/\1"$', project, re.MULTILINE)
    assert shipped
    assert sent == {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "NOTICE", "kdsl", *shipped}
    assert all((ROOT / name).exists() for name in sent)


def test_the_composition_waits_for_admitted_requests_and_names_files_that_there_are() -> None:
    composed = loaded(DEPLOY / "compose.yaml")
    server = composed["services"]["kdsl"]
    assert float(server["stop_grace_period"].removesuffix("s")) >= STOPS_IN
    options_of(server["command"])
    assert (DEPLOY / server["build"]["context"] / server["build"]["dockerfile"]).is_file()
    for service in composed["services"].values():
        assert set(service.get("secrets", ())) <= set(composed["secrets"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), "reachable without TLS"
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).exists(), volume
            else:
                assert source in composed["volumes"] or volume.startswith("${"), volume


def test_prometheus_reads_the_server_of_the_composition() -> None:
    composed, watched = loaded(DEPLOY / "compose.yaml"), loaded(DEPLOY / "prometheus.yml")
    (job,) = watched["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["kdsl:8000"]}]
    assert "kdsl" in composed["services"]
    secret = Path(job["authorization"]["credentials_file"]).name
    assert secret in composed["services"]["prometheus"]["secrets"]


def test_the_unit_starts_a_command_that_there_is_and_gives_it_time_to_stop() -> None:
    lines = (DEPLOY / "kdsl.service").read_text("utf-8").splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    program, *words = settings["ExecStart"].split()
    assert program.endswith("/bin/kdsl")
    options_of(words)
    assert float(settings["TimeoutStopSec"]) >= STOPS_IN


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_runs_scripts_that_there_are_with_pinned_actions(file: Path) -> None:
    workflow = loaded(file)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step.get("uses", f"a@{'0' * 40}")), step
            for script in re.findall(r"bash (\S+)", step.get("run", "")):
                assert (ROOT / script).is_file(), script


def test_workflows_run_what_ci_runs_on_every_python_that_the_project_names() -> None:
    jobs = loaded(ROOT / ".github/workflows/ci.yml")["jobs"]
    assert "bash .ci/run" in [step.get("run") for step in jobs["test"]["steps"]]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert jobs["test"]["strategy"]["matrix"]["python"] == re.findall(r"Python :: (3\.\d+)", project)
