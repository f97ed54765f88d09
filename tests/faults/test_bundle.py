"""A bundle of which any file is damaged says so and predicts nothing; a fit that is killed, or has no room, goes on."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.light_shop import OVERRIDES, asked_file, copied, labelled
from helpers.quotas import own_environment

from kdsl import Recognizer
from kdsl.cli.main import cli
from kdsl.config_file import load_config
from kdsl.ensemble.bundle import open_bundle
from kdsl.errors import BundleError, ConfigError, InputError, KdslError

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "one bit": lambda content: content[:-1] + bytes([content[-1] ^ 4]),
    "zeros": lambda content: bytes(len(content)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_damaged_file_of_a_bundle_predicts(damage: str, fitted: Path, tmp_path: Path) -> None:
    bundle = copied(fitted, tmp_path / "shop")
    checked = 0
    for file in sorted(path for path in bundle.rglob("*") if path.is_file() and path.name != "manifest.json"):
        name, content = file.relative_to(bundle).as_posix(), file.read_bytes()
        if name not in open_bundle(fitted).manifest["files"] or name.startswith("rules/"):
            continue
        file.write_bytes(DAMAGES[damage](content))
        if file.read_bytes() != content:
            with pytest.raises(BundleError, match=f"'{name}' was changed after the fit"):
                Recognizer.load(bundle)
            checked += 1
        file.write_bytes(content)
    assert checked > 8


@pytest.mark.parametrize("damage", ["cut off", "empty", "zeros"])
def test_a_damaged_manifest_is_named(damage: str, fitted: Path, tmp_path: Path) -> None:
    bundle = copied(fitted, tmp_path / "shop")
    manifest = bundle / "manifest.json"
    manifest.write_bytes(DAMAGES[damage](manifest.read_bytes()))
    with pytest.raises(BundleError, match=r"manifest\.json cannot be read"):
        Recognizer.load(bundle)


@pytest.mark.parametrize("content", [b"", b"rules: [", b"\xff\xfe", b"rules:\n- {id: x}\n", b"- a\n- b\n", bytes(99)])
def test_a_rule_book_that_is_none_is_named_before_anything_is_predicted(
    content: bytes, fitted: Path, tmp_path: Path
) -> None:
    """A book may be edited, so that its hash says nothing."""
    bundle = copied(fitted, tmp_path / "shop")
    book = next((bundle / "rules").glob("*.yaml"))
    book.write_bytes(content)
    data, out = asked_file(tmp_path / "in.jsonl", 3), tmp_path / "out.jsonl"
    words = ["predict", "--bundle", str(bundle), "--data", str(data), "--out", str(out)]
    result = CliRunner().invoke(cli, words)
    assert isinstance(result.exception, KdslError), (result.exception, result.output)
    assert book.name in str(result.exception)
    assert not out.exists()


def fit(out: Path) -> None:
    Recognizer.fit(labelled(), out=out, config=load_config("configs/nano.yaml", OVERRIDES)).close()


def same(bundle: Path, fitted: Path) -> None:
    """What was learned is what an undisturbed fit has learned."""
    found, expected = (open_bundle(folder).manifest["files"] for folder in (bundle, fitted))
    learned = ("rules/", "lexical/", "semantic/", "tasks/", "ensemble.json")
    names = {name for name in expected if name.startswith(learned)}
    assert len(names) > 5
    assert {name: found[name] for name in names} == {name: expected[name] for name in names}


def test_a_fit_that_is_killed_again_and_again_ends_as_one_that_is_left_in_peace(fitted: Path, tmp_path: Path) -> None:
    helper = Path(__file__).parents[1] / "helpers" / "killed_fit.py"
    words = [sys.executable, str(helper), str(tmp_path / "shop"), "6"]
    done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", env=own_environment())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["killed"] >= 4, done.stdout
    same(tmp_path / "shop", fitted)
    with Recognizer.load(tmp_path / "shop") as recognizer, Recognizer.load(fitted) as other:
        data = asked_file(tmp_path / "in.jsonl", 12)
        labels = [[line["label"] for line in one.predict_lines(data)] for one in (recognizer, other)]
    assert labels[0] == labels[1]


def test_a_fit_without_room_says_so_and_goes_on_when_there_is_some(
    fitted: Path, tmp_path: Path, quota: Callable[[int], None]
) -> None:
    for size in (300, 3_000, 30_000):
        quota(size)
        with pytest.raises((InputError, BundleError, ConfigError), match=r"File too large|disk I/O error|disk is full"):
            fit(tmp_path / "shop")
    quota(resource.RLIM_INFINITY)
    fit(tmp_path / "shop")
    same(tmp_path / "shop", fitted)
