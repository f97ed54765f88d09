"""What a run leaves on disk: folders claimed for their inputs, files written whole or not at all, manifests.

Every room writes through these functions, so that a kill in the middle, two commands on one folder, or a folder of
another run are handled in one way.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import importlib.metadata
import itertools
import json
import os
import platform
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel

from kdsl.errors import BundleError, InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

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
_AT_ONCE = 8
"""Writers of one file at a time, of which what a kill left is looked for."""


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


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_hashes(folder: Path, leave_out: Iterable[Path] = ()) -> dict[str, str]:
    """The hash of every file below a folder by its relative path, in sorted order.

    Args:
        leave_out: files, and folders with all that lies in them, that do not count.
    """
    left_out = set(leave_out)
    return {
        path.relative_to(folder).as_posix(): file_hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path not in left_out and not left_out.intersection(path.parents)
    }


def changed_files(folder: Path, hashes: Mapping[str, str]) -> list[str]:
    """Names of the files that are missing in a folder or have another hash than `file_hashes` gave."""
    return [name for name, hash in hashes.items() if not (folder / name).is_file() or file_hash(folder / name) != hash]


MISSING = "is missing"


def file_fault(path: Path) -> str:
    """What keeps a file from being read, as the end of a sentence; nothing where it can be opened.

    A pipe is not opened, since it would be waited for.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return "is a folder, not a file" if stat.S_ISDIR(mode) else "is not a file"
        with path.open("rb") as file:
            file.read(1)
    except (FileNotFoundError, NotADirectoryError):
        return f"{MISSING}: it is a link to nothing" if path.is_symlink() else MISSING
    except PermissionError as error:
        return f"cannot be read ({error.strerror}): let the user that runs kdsl read it"
    except OSError as error:  # a disk that fails, links in a circle
        return f"cannot be read ({error.strerror})"
    return ""


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of the packages that are installed; by default those that a result may depend on."""
    found = {"python": platform.python_version()}
    for name in packages or PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def atomic_write(path: Path, content: str | bytes | Iterable[bytes]) -> None:
    """Write a file so that a reader, or a kill in the middle, sees the old content or the new, never a part.

    Parent folders are made. A file that is there keeps its permissions, and a link to one stays a link. Text is written
    as UTF-8 without changing its line ends. Content too large for memory is given in pieces. What a killed writer left
    beside the file, the next one takes away.

    Raises:
        InputError: the place cannot be written to.
    """
    data = content.encode() if isinstance(content, str) else content
    path = path.resolve() if path.is_symlink() else path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _beside(path) as (temporary, file):
            if path.is_file():
                temporary.chmod(stat.S_IMODE(path.stat().st_mode))
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()  # Windows moves no open file
            os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file to write what `path` will hold, for the block to move there; one that raises leaves none.

    It lies in the same folder, since a move is atomic only within one file system. Its writer holds a lock on it, which
    ends with the process: so what a killed writer left is told from what a living one writes.
    """
    places = [path.with_name(f".{path.name}.{number}.tmp") for number in range(_AT_ONCE)]
    for place in places:
        _remove_left(place)
    for number in itertools.count():
        place = path.with_name(f".{path.name}.{number}.tmp")
        with suppress(FileExistsError):
            file = place.open("xb")
            if _held(file, place):
                break
            file.close()
    with file:
        try:
            yield place, file
        except BaseException:
            with suppress(OSError):
                place.unlink()
            raise


def _held(file: IO[bytes], place: Path) -> bool:
    """Lock a new file; False where another process took it for left in the moment before."""
    try:
        _lock(file.fileno())
        return os.path.samestat(os.fstat(file.fileno()), os.lstat(place))
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:  # there are no locks here, so nobody takes away what was left, either
        return True


def _remove_left(place: Path) -> None:
    """Take away what a killed writer left; what a living one writes stays."""
    with suppress(OSError):  # there is nothing, or it is in use, or not ours to take away
        descriptor = os.open(place, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            _lock(descriptor)
            if os.path.samestat(os.fstat(descriptor), os.lstat(place)):  # else it was moved meanwhile
                place.unlink()
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Lock an open file until it is closed.

    Raises:
        BlockingIOError: another process holds the lock.
        OSError: there are no locks here.
    """
    if fcntl is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, whole or not at all."""
    atomic_write(path, json.dumps(value, ensure_ascii=False, indent=1))


def write_jsonl(path: Path, rows: Iterable[Any]) -> None:
    """Write a file of JSON lines, whole or not at all."""
    atomic_write(path, ((json.dumps(row, ensure_ascii=False) + "\n").encode() for row in rows))


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """A place beside `target` to write a file or a folder to; it becomes `target` when the block ends well.

    What a killed run left there is taken away first, and what a block that raises has written. `target` must not
    exist as a folder.
    """
    partial = target.with_name(f".{target.name}.partial{target.suffix}")
    _remove(partial)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        partial.replace(target)
    except BaseException:
        _remove(partial)
        raise


def _remove(path: Path) -> None:
    """Take away a file or a folder that may be there."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


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
        _share(path)
    write_json(path, {"schema": schema, **body, "versions": versions()})


def _share(manifest: Path) -> None:
    """Give the files of a folder to those who may read what this process writes: safetensors makes them private."""
    found = (file for file in manifest.parent.rglob("*") if file.is_file() and not file.is_symlink())
    if private := [file for file in found if not stat.S_IMODE(file.stat().st_mode) & 0o077]:
        with _beside(manifest) as (place, new):
            mode = stat.S_IMODE(os.fstat(new.fileno()).st_mode)
            place.unlink()
        for file in private:
            with suppress(PermissionError):  # it is another user's, who decides
                file.chmod(mode)


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
        raise BundleError(f"{path}: schema {found}, this kdsl reads {schema}. {advice}")
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
