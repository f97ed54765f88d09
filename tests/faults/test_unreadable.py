"""A bundle or a server's state with a file that cannot be read: an error in words and its exit code, never a stack."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.light_shop import asked_file, copied
from helpers.running import PATIENCE, start

from kdsl import Recognizer
from kdsl.cli.main import main
from kdsl.errors import BundleError, InputError, KdslError
from kdsl.serving.app import build_app
from kdsl.serving.settings import ServerSettings

NOBODY = 65_534
FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "folder": (Path.mkdir, "is a folder, not a file"),
    "link to nothing": (lambda place: place.symlink_to("nowhere"), "is missing: it is a link to nothing"),
    "link to itself": (lambda place: place.symlink_to(place.name), "cannot be read"),
    "pipe": (os.mkfifo, "is not a file"),  # would be waited for
    "failing disk": (lambda place: place.symlink_to("/proc/self/mem"), "cannot be read"),  # its first byte is an error
}
"""What stands in a file's place, and what is said of it; nobody can read these, root as little as others."""


@pytest.fixture
def bundle(fitted: Path, tmp_path: Path) -> Path:
    return copied(fitted, tmp_path / "shop")


def replaced(place: Path, fault: str) -> str:
    """Put a fault in the place of a file; what is said of it."""
    if fault == "failing disk" and not Path("/proc/self/mem").exists():
        pytest.skip("there is no /proc here")
    place.unlink(missing_ok=True)
    make, said = FAULTS[fault]
    make(place)
    return said


@contextmanager
def someone_else() -> Iterator[None]:
    """As a user who is not root."""
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(NOBODY)
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["manifest.json", "ensemble.json", "rules/samples.yaml"])
def test_a_bundle_of_which_a_file_cannot_be_read_is_refused_and_the_file_named(
    name: str, fault: str, bundle: Path
) -> None:
    said = replaced(bundle / name, fault)
    with pytest.raises(BundleError) as error:
        Recognizer.load(bundle)
    for word in (str(bundle), name, said, "expected", "again"):
        assert word in str(error.value), error.value


@pytest.mark.parametrize("name", [".", "index", "manifest.json", "ensemble.json", "rules/samples.yaml"])
def test_a_bundle_of_another_user_is_refused_in_words(name: str, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundle.parent)  # the folders above are closed to others
    bundle.parent.chmod(0o755)
    (bundle / name).chmod(0)
    try:
        with someone_else(), pytest.raises(BundleError, match="Permission denied") as error:
            Recognizer.load("shop")
    finally:
        (bundle / name).chmod(0o755)
    assert name.strip(".") in str(error.value)


def test_what_is_no_folder_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, said in (("file", "is a file"), ("file/below", "does not exist"), ("none", "does not exist")):
        with pytest.raises(BundleError, match=f"{name} {said}; expected a bundle"):
            Recognizer.load(tmp_path / name)


@pytest.mark.parametrize("content", ['{"schema": 5}', "[]", "\0", '{"schema": 5, "files": []}'])
def test_a_manifest_that_is_none_is_told(content: str, bundle: Path) -> None:
    (bundle / "manifest.json").write_text(content, "utf-8")
    with pytest.raises(BundleError, match=r"manifest\.json"):
        Recognizer.load(bundle)


def test_a_manifest_whose_parts_are_of_other_kinds_is_told(bundle: Path) -> None:
    text = (bundle / "manifest.json").read_text("utf-8")
    (bundle / "manifest.json").write_text(text.replace('"tasks": {', '"tasks": [], "was": {'), "utf-8")
    with pytest.raises(BundleError, match=r"manifest\.json is damaged: tasks should be mappings"):
        Recognizer.load(bundle)


def test_the_commands_end_with_a_message_and_a_code(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replaced(bundle / "ensemble.json", "failing disk")
    data, out = asked_file(tmp_path / "in.jsonl", 1), tmp_path / "out.jsonl"
    monkeypatch.setattr(
        sys, "argv", ["kdsl", "predict", "--bundle", str(bundle), "--data", str(data), "--out", str(out)]
    )
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == BundleError.exit_code
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "'ensemble.json' cannot be read" in said
    assert not out.exists()

    log = tmp_path / "log"
    with log.open("wb") as file:
        server = start(bundle, file, "--state", str(tmp_path / "state"))
    assert server.wait(PATIENCE) == BundleError.exit_code
    said = log.read_text("utf-8")
    assert "'ensemble.json' cannot be read" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("fault", ["folder", "link to itself", "failing disk"])
@pytest.mark.parametrize("name", ["keys.json", "feedback.sqlite", "queue.sqlite", "bundles.json"])
def test_a_server_whose_state_cannot_be_read_does_not_start(
    name: str, fault: str, fitted: Path, tmp_path: Path
) -> None:
    replaced(tmp_path / name, fault)
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        build_app(ServerSettings(fitted, state=tmp_path))


def test_a_server_whose_state_can_be_no_folder_does_not_start(fitted: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="cannot be the folder for keys and corrections"):
            build_app(ServerSettings(fitted, state=place))


def test_whose_state_it_is_may_not_be_looked_into_is_told(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    (tmp_path / "state").mkdir(0)
    with someone_else(), pytest.raises(KdslError, match=r"keys\.json cannot be looked up \(Permission denied\)"):
        build_app(ServerSettings(fitted, state=Path("state")))


def test_another_user_may_read_what_a_fit_made_as_far_as_the_umask_goes(fitted: Path, tmp_path: Path) -> None:
    (tmp_path / "new").touch()
    files = [path for path in fitted.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".safetensors", ".json", ".sqlite", ".yaml"}
    expected = (tmp_path / "new").stat().st_mode & 0o444
    assert {path.name: path.stat().st_mode & 0o444 for path in files} == {path.name: expected for path in files}
