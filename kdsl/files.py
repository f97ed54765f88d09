"""Files: written whole or not at all, their hashes, and what keeps one from being read.

Every room writes through these functions, so that a kill in the middle leaves the old content or the new, and nothing
beside it for long.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from kdsl.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_AT_ONCE = 8
"""Writers of one file at a time, of which what a kill left is looked for."""


MISSING = "is missing"


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


def share(folder: Path) -> None:
    """Give the files of a folder to those who may read what this process writes: safetensors makes them private."""
    found = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    if private := [file for file in found if not stat.S_IMODE(file.stat().st_mode) & 0o077]:
        with _beside(folder / "shared") as (place, new):
            mode = stat.S_IMODE(os.fstat(new.fileno()).st_mode)
            place.unlink()
        for file in private:
            with suppress(PermissionError):  # it is another user's, who decides
                file.chmod(mode)


@contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file to write what `path` will hold, for the block to move there; one that raises leaves none.

    It lies in the same folder, since a move is atomic only within one file system. Its writer holds a lock on it, which
    ends with the process: so what a killed writer left is told from what a living one writes.
    """
    places = (path.with_name(f".{path.name}.{number}.tmp") for number in itertools.count())
    first = list(itertools.islice(places, _AT_ONCE))
    for place in first:
        _remove_left(place)
    for place in itertools.chain(first, places):
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


def _remove(path: Path) -> None:
    """Take away a file or a folder that may be there."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
