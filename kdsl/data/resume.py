"""Resuming work on a file: the rows without a result, or whose content has changed since their result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from pathlib import Path

from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.notes import Notes
from kdsl.data.pictures import picture_path
from kdsl.data.readers import BadSample, read_rows
from kdsl.data.sample import Sample
from kdsl.errors import InputError
from kdsl.runs import digest, file_hash
from kdsl.tasks import Task

Row = Sample | BadSample


@dataclass(frozen=True)
class Unfinished:
    """The rows of a file that have no result yet, or one that was made of other content under the same id.

    A byte per row is held and no sample, so that a file of millions of lines can be read here or elsewhere as it is
    worked on. A file that is one JSON list is still read as a whole (`kdsl.data.files.json_rows`).
    """

    source: Path
    tasks: tuple[Task, ...]
    marks: bytes
    """One for each row: 1 if it is to be done, else 0."""
    columns: Columns
    stale: frozenset[str]
    """Ids of results that were made of other content: a corrected dialogue, a replaced picture, another day's file."""

    @classmethod
    def of(
        cls,
        source: Path,
        tasks: Sequence[Task],
        images: Path,
        done: Mapping[str, str],
        columns: Columns = AS_KNOWN,
    ) -> Unfinished:
        """All rows but the samples that `done` has a result of; a bad row stays bad, whatever id it bears.

        Args:
            images: the folder that all pictures lie below.
            done: id -> `content_digest` of the sample that the result was made of.

        Raises:
            InputError: the file as a whole cannot be read.
        """
        marks, stale = bytearray(), set()
        for row in read_rows(source, tasks, on_unknown_label="keep", columns=columns):
            known = isinstance(row, Sample) and row.id in done
            if isinstance(row, Sample) and known and done[row.id] != content_digest(row, images):
                stale.add(row.id)
                known = False
            marks.append(not known)
        return cls(source, tuple(tasks), bytes(marks), dict(columns), frozenset(stale))

    def __len__(self) -> int:
        return self.marks.count(1)

    def chunks(self, size: int) -> Iterator[list[Row]]:
        """The rows, `size` at a time, in the order of the file."""
        again = Notes()  # what there is to note was logged when the rows were counted
        rows = compress(read_rows(self.source, self.tasks, "keep", again, self.columns), self.marks)
        while chunk := list(islice(rows, size)):
            yield chunk


def row_id(row: Row) -> str:
    """The id that a row's result carries: where it stands in the file if it has none."""
    return (row.id or row.where) if isinstance(row, BadSample) else row.id


def content_digest(sample: Sample, images: Path) -> str:
    """A digest of what a prediction of this sample depends on: its task, its turns, the bytes of its pictures.

    Neither the id, the label nor a picture's name counts, so that a result can be told from that of another text under
    the same id. A picture that cannot be read counts as such: once it is there, the digest is another.

    Args:
        images: the folder that all pictures lie below.
    """
    turns = [(turn.role, turn.text) for turn in sample.turns]
    return digest(sample.task, turns, [_picture_hash(images, name) for name in sample.images])


def _picture_hash(images: Path, name: str) -> str | None:
    try:
        return file_hash(picture_path(images, name))
    except (InputError, OSError):
        return None
