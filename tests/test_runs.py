"""What a run leaves on disk belongs to one set of inputs, has one writer, and says what made it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from kdsl.config import PromptConfig
from kdsl.errors import BundleError, InputError
from kdsl.files import atomic_write, write_json
from kdsl.runs import claim, digest, listed, read_manifest, sole_writer, versions, write_manifest


@dataclass(frozen=True)
class Point:
    x: int
    of: tuple[str, ...]


def test_a_digest_is_one_in_every_process() -> None:
    code = (
        "from pathlib import Path; from kdsl.runs import digest; from kdsl.config import PromptConfig; "
        "print(digest({'b': 1, 'a': [PromptConfig(), Path('x/y'), b'raw']}, '\\ud800 退款'))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "random")
    }
    here = digest({"a": [PromptConfig(), Path("x/y"), b"raw"], "b": 1}, "\ud800 退款")
    assert seen == {f"{here}\n".encode()}
    assert len(here) == 16


def test_a_digest_tells_values_apart() -> None:
    values = [(), ("a",), ("a", "b"), ("ab",), (["a", "b"],), (["b", "a"],), (None,), ("1",), (1,), (Point(1, ("a",)),)]
    assert len({digest(*value) for value in values}) == len(values)
    assert digest(Point(1, ("a",))) == digest({"x": 1, "of": ["a"]})
    with pytest.raises(TypeError, match="cannot be made of object"):
        digest(object())
    with pytest.raises(TypeError, match="cannot be made of set"):
        digest({"a", "b"})  # has no order


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_a_manifest_shares_what_libraries_made_private_as_the_umask_says(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        for name in ("a/private", "shared", "elsewhere"):
            atomic_write(tmp_path / name, name)
        (tmp_path / "a" / "private").chmod(0o600)
        (tmp_path / "shared").chmod(0o444)
        (tmp_path / "elsewhere").chmod(0o600)
        (tmp_path / "a" / "link").symlink_to("../elsewhere")
        write_manifest(tmp_path / "a" / "manifest.json", 1, {})
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    expected = {"private": mode, "manifest.json": mode, "shared": 0o444, "elsewhere": 0o600, "link": 0o600}
    assert modes == expected


def test_a_claim_is_kept_and_names_what_differs(tmp_path: Path) -> None:
    stamp = tmp_path / "run" / "inputs.json"
    inputs = {"data": digest("data"), "seed": 17, "labels": ("a", "b")}
    for _ in range(2):
        claim(stamp, inputs, "a fit", "Choose another folder.")
    with pytest.raises(BundleError) as error:
        claim(stamp, inputs | {"seed": 18, "labels": ("b", "a"), "more": 1}, "a fit", "Choose another folder.")
    said = str(error.value)
    assert said == (
        f"{stamp.parent} holds a fit with other inputs (these differ: seed, labels, more). Choose another folder."
    )
    stamp.write_text("{")
    with pytest.raises(BundleError, match=r"inputs\.json cannot be read .*Choose another"):
        claim(stamp, inputs, "a fit", "Choose another folder.")


def test_a_manifest_says_what_made_it_and_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    expected = {"what": "an index", "advice": "Build it again."}
    with pytest.raises(BundleError, match=r"has no manifest\.json: it is not an index, or was not finished\. Build"):
        read_manifest(file, 2, ["files"], **expected)
    write_manifest(file, 2, {"files": {}})
    manifest = read_manifest(file, 2, ["files"], **expected)
    assert manifest == {"schema": 2, "files": {}, "versions": versions()}
    assert {"python", "numpy"} <= manifest["versions"].keys()
    with pytest.raises(BundleError, match=r"schema 2, this kdsl reads 3\. Build it again"):
        read_manifest(file, 3, ["files"], **expected)
    with pytest.raises(BundleError, match=r"schema 2, this kdsl reads 1\. A newer kdsl wrote it, which reads it\. "):
        read_manifest(file, 1, ["files"], **expected)
    with pytest.raises(BundleError, match="lacks dim, tasks"):
        read_manifest(file, 2, ["tasks", "files", "dim"], **expected)
    for damaged in ("{", "[]", "{}"):
        file.write_text(damaged)
        with pytest.raises(BundleError, match="cannot be read"):
            read_manifest(file, 2, ["files"], **expected)


def test_versions_of_what_is_not_installed_are_left_out() -> None:
    assert versions("numpy", "no-such-package").keys() == {"python", "numpy"}


def test_one_command_writes_at_a_time(tmp_path: Path) -> None:
    output = tmp_path / "new" / "out.jsonl"
    code = (
        "import sys; from pathlib import Path; from kdsl.runs import sole_writer\n"
        "with sole_writer(Path(sys.argv[1])):\n    print('writing', flush=True)\n    sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(output)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "writing\n"
    with pytest.raises(InputError, match="another kdsl command is writing there"), sole_writer(output):
        pass
    other.kill()  # a lock ends with its process, however that ends
    other.wait()
    with sole_writer(output):
        write_json(output, [])
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"), sole_writer(tmp_path / "file" / "out"):
        pass


def test_of_many_faults_the_first_are_listed() -> None:
    assert listed("ab") == "  - a\n  - b"
    assert listed("abcde", most=2, rest="the report lists all") == "  - a\n  - b\n  and 3 more; the report lists all"
    assert listed("abc", most=2).endswith("and 1 more")
