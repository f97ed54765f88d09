"""`Predictions`: the file that a run over samples writes, line by line in the order of the samples, and continues.

The file itself says what is done: each line carries its sample's id and a digest of what it was made of. Nothing else
has to survive a kill. A line that was cut off is taken away when the run goes on; a line that was made of other content
under the same id is outdated, and leaves the file when the run ends.

A sample that cannot be predicted is set aside with its place and the reason in a second file, `<out>.bad.jsonl`, which
each run writes anew, since each tries these samples again.

Parquet cannot be continued, so a run that is to end in Parquet writes lines beside it, `<out>.partial.jsonl`, and makes
them into one Parquet file, whole or not at all, when it ends.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from kdsl.data.parquet import is_parquet, stored_predictions, write_predictions
from kdsl.data.prediction import bad_file
from kdsl.data.register import Register
from kdsl.errors import InputError
from kdsl.files import atomic_write, written_whole

OPENING = b'{"id": '
"""The start of every line of an output: tells an incomplete last line from a line of some other file."""
PARQUET = ".parquet"
"""The ending by which an output is to be Parquet."""

SHOWN = 3
"""Ids of outdated lines that are named."""

Line = dict[str, Any]
"""A prediction or a failure as plain JSON values."""


class Predictions:
    """An output while a run writes it; made by `writing`."""

    def __init__(self, out: Path, bundle: str, register: Register) -> None:
        self.out, self._bad_file = out, bad_file(out)
        self._lines = out.with_name(out.name + ".partial.jsonl") if out.suffix.lower() == PARQUET else out
        self._register = register
        self._file: IO[bytes] | None = None
        self._bad: IO[bytes] | None = None
        self._start = self._row = -1  # of the last line that was found to be done
        self._changed = False
        self.outdated = 0
        """Lines that were made of other content under the same id, so far."""
        self.some_outdated: list[str] = []
        self._check_bad_file()
        self._restored = self._restore()
        try:
            self._in_order = not self._take_note(bundle)
        except BaseException:
            if self._restored:
                self._lines.unlink()
            raise
        with _told(self._bad_file):
            self._bad_file.unlink(missing_ok=True)

    def has(self, row: int, id: str, content: Callable[[], str]) -> bool:
        """Whether there is a line of a sample, made of this content; asked of one sample after the other.

        Args:
            row: the sample's number among all rows.
            content: gives the digest of what a line would be made of.
        """
        found = self._register.line(id)
        if found is None:
            return False
        start, made_of = found
        if made_of != content():
            self._register.outdate(start)
            self._in_order = False
            self.outdated += 1
            if len(self.some_outdated) < SHOWN:
                self.some_outdated.append(id)
            return False
        if self._changed or start < self._start:  # lines of rows before it stand behind it
            self._in_order = False
        self._start, self._row = start, row
        return True

    def add(self, row: int, line: str) -> None:
        """Append the line of a row and hand it to the system, which keeps it whatever becomes of this process.

        Raises:
            InputError: the file cannot be written.
        """
        self._changed = True
        if row < self._row:
            self._in_order = False
        with _told(self._lines):
            if self._file is None:
                self._file = self._lines.open("ab")
            self._file.write(f"{line}\n".encode())
            self._file.flush()

    def set_aside(self, where: str, id: str | None, task: str | None, error: str) -> None:
        """Note that the row at a place cannot be predicted.

        Raises:
            InputError: the file cannot be written.
        """
        with _told(self._bad_file):
            if self._bad is None:
                self._bad = self._bad_file.open("wb")
            self._bad.write(_encoded({"id": id, "where": where, "task": task, "error": error}))
            self._bad.flush()

    def finish(self) -> None:
        """Put the lines into the order of the samples, where they are not in it already, and make Parquet of them.

        Lines of no sample of this run stay, before all others.

        Raises:
            InputError: the file cannot be written.
        """
        self.close()
        if not self._in_order:
            self._register.forget_lines()
            self._take_note(None)
            with closing(self._sorted()) as lines:  # before the register is closed
                self._rewrite(lines)
        if self._lines == self.out:
            return
        if self._changed or not self._in_order or not self._restored:  # else they are those of the file that is there
            write_predictions(self.out, (row for _, _, row in scanned(self._lines)))
        self._lines.unlink()

    def close(self) -> None:
        """Leave the files as they are.

        Raises:
            InputError: the disk is full.
        """
        files, self._file, self._bad = (self._file, self._bad), None, None
        for file in filter(None, files):
            with _told(Path(file.name)):
                file.close()

    def leave(self) -> None:
        """Leave the files as they are for a further run; one that this run has made for nothing goes."""
        with suppress(InputError):  # what made the run end says more
            self.close()
        if self._new and self._lines.stat().st_size == 0:
            self._lines.unlink()

    def _restore(self) -> bool:
        """Make lines of a Parquet file that an earlier run has finished; whether that had to be done."""
        if self._lines == self.out or self._lines.exists() or not self.out.exists():
            return False
        if not is_parquet(self.out):
            raise InputError(f"{self.out}: is there, and is no Parquet file of predictions; choose another `out`.")
        self._rewrite(map(_encoded, stored_predictions(self.out)))
        return True

    def _rewrite(self, lines: Iterator[bytes]) -> None:
        """Put other lines in place of those that are there, all or none."""
        with _told(self._lines), written_whole(self._lines) as partial:
            with partial.open("wb") as file:
                file.writelines(lines)
            if self._lines.exists():
                shutil.copymode(self._lines, partial)

    def _check_bad_file(self) -> None:
        """Refuse to take the place of a file that no run has made."""
        if not self._bad_file.exists():
            return
        with _told(self._bad_file), self._bad_file.open("rb") as file:
            start = file.read(len(OPENING))
        if not OPENING.startswith(start):
            raise InputError(
                f"{self._bad_file}: is there, and is no list of bad rows, which is to be written there; choose another "
                "`out`, or move that file away."
            )

    def _take_note(self, bundle: str | None) -> bool:
        """Enter the lines of an earlier run into the register; whether some have to leave the file."""
        spoilt = False
        cut = None
        if self._lines.is_file():
            for start, line, row in scanned(self._lines, bundle):
                if not line.endswith(b"\n"):
                    cut = start
                elif "error" in row:  # of earlier versions, which wrote them here
                    self._register.outdate(start)
                    spoilt = True
                else:
                    spoilt |= self._register.add_line(str(row["id"]), start, len(line), row.get("content", ""))
        with _told(self._lines):
            self._lines.parent.mkdir(parents=True, exist_ok=True)
            self._new = not self._lines.exists()
            with self._lines.open("ab") as file:  # before hours of work
                if cut is not None:
                    file.truncate(cut)
        return spoilt

    def _sorted(self) -> Generator[bytes, None, None]:
        with self._lines.open("rb") as file:
            for start, length in self._register.in_order():
                file.seek(start)
                yield file.read(length)


@contextmanager
def writing(out: Path, bundle: str, register: Register) -> Iterator[Predictions]:
    """Write an output, or continue it; what was written is kept if the block raises.

    Args:
        bundle: the id of the bundle that must have made the lines that are there.

    Raises:
        InputError: `out` is some other file, holds predictions of another bundle, or cannot be written.
    """
    predictions = Predictions(out, bundle, register)
    try:
        yield predictions
    except BaseException:
        predictions.leave()
        raise
    predictions.finish()


def scanned(path: Path, bundle: str | None = None) -> Iterator[tuple[int, bytes, Line]]:
    """Each line of an output: where it begins, itself, and what it says; one that was cut off says nothing.

    Args:
        bundle: the id of the bundle that must have made them.

    Raises:
        InputError: a line is not a prediction, or is one of another bundle.
    """
    start = 0
    with path.open("rb") as file:  # line by line: it may be larger than memory
        for number, line in enumerate(file, 1):
            row = _read_line(path, number, line)
            made_by = row.get("versions", {}).get("bundle")
            if bundle and "error" not in row and line.endswith(b"\n") and made_by != bundle:
                raise InputError(
                    f"{path} holds predictions of bundle {made_by}, not of {bundle}. Choose another `out`, or delete "
                    "that file."
                )
            yield start, line, row
            start += len(line)


def append(path: Path, *lines: Line) -> None:
    """Append JSON lines and flush them to the file.

    Raises:
        InputError: the file cannot be written.
    """
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.writelines(map(_encoded, lines))


def read_done(path: Path) -> set[str]:
    """The ids of the predictions in an output that fits into memory.

    An incomplete last line and the lines of failed samples are removed from the file, to be predicted again.

    Raises:
        InputError: a line is not a prediction; the file is not changed.
    """
    if not path.is_file():
        return set()
    done, kept, spoilt = set(), [], False
    for _, line, row in scanned(path):
        if "error" in row or not line.endswith(b"\n"):
            spoilt = True
        else:
            done.add(str(row["id"]))
            kept.append(line)
    if spoilt:
        atomic_write(path, kept)
    return done


def _read_line(path: Path, number: int, line: bytes) -> Line:
    """Parse a line of an output; an incomplete line counts as a failure.

    Raises:
        InputError: it is neither a prediction nor a failure.
    """
    try:
        row = json.loads(line)
        _ = row["id"], row.get("versions", {}).get("bundle"), "error" in row or row["label"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if not line.endswith(b"\n") and isinstance(error, ValueError) and line.startswith(OPENING[: len(line)]):
            return {"error": "cut off"}
        raise InputError(
            f"{path}, line {number}: not a prediction ({error!r}). To continue a run, `out` must be its "
            "own file; choose another name."
        ) from error
    return dict(row)


def _encoded(line: Line) -> bytes:
    return (json.dumps(line, ensure_ascii=False) + "\n").encode()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}. Lines that are there are kept: mend that, and run "
            "the same command again."
        ) from error
