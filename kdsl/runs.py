"""What a run leaves on disk: folders claimed for their inputs, one writer at a time, manifests.

Every room goes through these functions, so that two commands on one folder, or a folder of another run, are handled
in one way. Files are written by `kdsl.files`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from kdsl.errors import BundleError, InputError
from kdsl.files import MISSING, file_fault, share, write_json

DIGITS = 16
"""Hexadecimal digits of a digest: 64 bits, enough to tell runs apart."""
PACKAGES = (
    "kdsl",
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "trl",
    "scikit-learn",
    "faiss-cpu",
    "faiss-gpu",
    "rapidocr",
    "numpy",
)
"""Packages that a result may depend on."""


def digest(*parts: Any) -> str:
    """SHA-256 of some values, the first 16 hexadecimal digits: equal values give equal digests on every machine.

    Values are those of JSON, and models of pydantic, dataclasses, tuples, paths and bytes within them. The order of
    a mapping's keys does not matter; the order of a list does.
    """
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def _plain(value: Any) -> Any:
    """A value that JSON does not know, as one that it does."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a digest cannot be made of {type(value).__name__}")


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of the packages that are installed; by default those that a result may depend on."""
    found = {"python": platform.python_version()}
    for name in packages or PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def claim(stamp: Path, inputs: Mapping[str, Any], what: str, advice: str) -> None:
    """Make a folder this run's by writing its inputs to `stamp`; a folder that has these inputs already is continued.

    Args:
        stamp: the file that says whose the folder is.
        inputs: all that the result depends on, by name; values of JSON, long ones as digests.
        what: what the folder holds, such as 'a fit'.
        advice: what to do where it holds another run, as a sentence.

    Raises:
        BundleError: the stamp is of other inputs (the names that differ are listed), or cannot be read.
    """
    if stamp.is_file():
        check_claim(stamp, inputs, what, advice)
    else:
        write_json(stamp, dict(inputs))


def check_claim(stamp: Path, inputs: Mapping[str, Any], what: str, advice: str) -> None:
    """Refuse a folder whose `stamp` names other inputs; see `claim`."""
    try:
        found = dict(json.loads(stamp.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BundleError(f"{stamp} cannot be read ({error!r}). {advice}") from error
    check_inputs(stamp.parent, found, inputs, what, advice)


def check_inputs(folder: Path, found: Mapping[str, Any], inputs: Mapping[str, Any], what: str, advice: str) -> None:
    """Refuse a folder whose stamp or manifest says that it was made of other inputs.

    Keys that `inputs` does not have are left alone, so that a manifest may say more.

    Raises:
        BundleError: the names of the inputs that differ, and `advice`.
    """
    wanted = json.loads(json.dumps(dict(inputs)))  # as it is read back: tuples are lists
    if differ := [key for key, value in wanted.items() if found.get(key) != value]:
        raise BundleError(f"{folder} holds {what} with other inputs (these differ: {', '.join(differ)}). {advice}")


def write_manifest(path: Path, schema: int, body: Mapping[str, Any]) -> None:
    """Write a manifest: its schema's number, the body, and the versions of what made it. Write it last.

    Files beside and below it that only their owner may read, as libraries make them, get the permissions of a new file.
    """
    with suppress(OSError):  # a file went meanwhile, or the folder cannot be written to, which the manifest tells
        share(path.parent)
    write_json(path, {"schema": schema, **body, "versions": versions()})


def read_manifest(path: Path, schema: int, parts: Iterable[str], what: str, advice: str) -> dict[str, Any]:
    """Read a manifest and check that it is whole.

    Args:
        schema: the number that this version of kdsl reads.
        parts: keys that must be there.
        what: what the folder would be, such as 'a bundle'.
        advice: what to do where it is not, as a sentence.

    Raises:
        BundleError: there is no manifest, it cannot be read, is of another schema, or lacks parts.
    """
    if (fault := file_fault(path)) == MISSING:
        raise BundleError(f"{path.parent} has no {path.name}: it is not {what}, or was not finished. {advice}")
    if fault:
        raise BundleError(f"{path} {fault}; expected the manifest of {what}. {advice}")
    try:
        manifest = json.loads(path.read_text("utf-8"))
        found = manifest["schema"]
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror or error}). {advice}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"{path} cannot be read: it is not the manifest of {what}, or is damaged. {advice}"
        ) from error
    if found != schema:
        newer = "A newer kdsl wrote it, which reads it. " if isinstance(found, int) and found > schema else ""
        raise BundleError(f"{path}: schema {found}, this kdsl reads {schema}. {newer}{advice}")
    if missing := sorted(set(parts) - manifest.keys()):
        raise BundleError(f"{path} lacks {', '.join(missing)}. {advice}")
    return dict(manifest)


@contextmanager
def sole_writer(output: Path) -> Iterator[None]:
    """Keep other commands from writing to a file or folder while the block runs, by a lock file beside it.

    The lock ends with the process, however that ends; its empty file stays.

    Raises:
        InputError: another command holds the lock, or the place cannot be written to.
    """
    from filelock import (  # here: it loads asyncio, which commands that write nothing need not wait for
        FileLock,
        Timeout,
    )

    lock = FileLock(output.with_name(f".{output.name}.lock"))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(
            f"{output}: another kdsl command is writing there. Wait until it ends, or choose another place."
        ) from error
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def listed(faults: Iterable[str], most: int = 5, rest: str = "") -> str:
    """Faults as the lines of a message, indented; of many the first few, and how many more there are.

    Args:
        rest: where to find the others, such as 'the report lists all'.
    """
    every = list(faults)
    lines = [f"  - {fault}" for fault in every[:most]]
    if len(every) > most:
        lines.append(f"  and {len(every) - most} more" + (f"; {rest}" if rest else ""))
    return "\n".join(lines)
