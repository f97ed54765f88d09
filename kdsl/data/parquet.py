"""Parquet: rows of samples and of predictions, read and written a few thousand at a time (extra `parquet`)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdsl.data.file_kinds import PARQUET
from kdsl.data.files import BadRow, Row
from kdsl.errors import InputError, MissingDependency
from kdsl.files import written_whole

if TYPE_CHECKING:
    import pyarrow as pa

READ = 512
"""Rows that are in memory at once; a row may hold pictures."""
GROUP = 16384
"""Predictions per row group of a file that is written: some tens of MB of text before it is compressed."""
_BUFFER = 1 << 20
"""Bytes of each column that are read at once."""


def is_parquet(path: Path) -> bool:
    """Whether a file is there and begins as Parquet does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


def parquet_rows(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a file, as JSON would hold them: times as text, content of pictures in base64.

    Raises:
        InputError: it is cut off, damaged, or no Parquet file.
        MissingDependency: pyarrow is not installed.
    """
    arrow = _arrow()
    number = 0
    try:
        with arrow.parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=READ, use_threads=False):
                for value in _values(batch):
                    number += 1
                    where = f"row {number}"
                    if isinstance(value, UnicodeDecodeError):
                        yield BadRow(where, f"holds a text that is not UTF-8: {value}.")
                    else:
                        yield Row(where, value)
    except (arrow.ArrowException, OSError) as error:
        after = f" after row {number}" if number else ""
        raise InputError(
            f"{path}: cannot be read as Parquet{after}: {error}. Is it cut off, or still being written?"
        ) from error


def parquet_count(path: Path) -> int:
    """How many rows a file has, by its footer.

    Raises:
        InputError, MissingDependency: as for `parquet_rows`.
    """
    arrow = _arrow()
    try:
        return int(arrow.parquet.read_metadata(path).num_rows)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(
            f"{path}: cannot be read as Parquet: {error}. Is it cut off, or still being written?"
        ) from error


def write_predictions(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write predictions, as `Prediction.to_json` gives them, in columns; the file is whole or not there.

    The trace is text (JSON), since it differs from bundle to bundle; all other columns are typed.

    Raises:
        InputError: the file cannot be written.
        MissingDependency: pyarrow is not installed.
    """
    arrow = _arrow()
    schema = _schema(arrow)
    rows = iter(lines)
    try:
        with (
            written_whole(path) as partial,
            arrow.parquet.ParquetWriter(partial, schema, compression="zstd") as writer,
        ):
            while part := [_columns(line) for line in islice(rows, GROUP)]:
                writer.write_batch(arrow.RecordBatch.from_pylist(part, schema), row_group_size=GROUP)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be written: {error}") from error


def stored_predictions(path: Path) -> Iterator[dict[str, Any]]:
    """What `write_predictions` was given.

    Raises:
        InputError: the file cannot be read, or holds something else.
        MissingDependency: pyarrow is not installed.
    """
    for row in parquet_rows(path):
        if isinstance(row, BadRow):
            raise InputError(f"{path}, {row.where}: {row.message}")
        value = row.value
        try:
            yield value | {
                "distribution": dict(value["distribution"]),
                "versions": dict(value["versions"]),
                "trace": json.loads(value["trace"]),
            }
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}, {row.where}: is no prediction of kdsl ({error!r}).") from error


def _arrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependency(
            "a Parquet file needs a package that is not installed: pip install 'kdsl[parquet]'."
        ) from error
    return pyarrow


def _values(batch: pa.RecordBatch) -> Iterator[Any]:
    """The rows of a batch as plain values, or what is wrong with the text of one."""
    try:
        values = batch.to_pylist()
    except UnicodeDecodeError as error:
        if batch.num_rows == 1:
            yield error
            return
        for place in range(batch.num_rows):
            yield from _values(batch.slice(place, 1))
        return
    for row in values:
        yield {
            name: {"bytes": _plain(value)} if isinstance(value, bytes) else _plain(value) for name, value in row.items()
        }


def _plain(value: Any) -> Any:
    """A value of Arrow as one of JSON."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value if isinstance(value, str | int | float | None) else str(value)


def _columns(line: Mapping[str, Any]) -> dict[str, Any]:
    trace = json.dumps(line["trace"], ensure_ascii=False)
    return {**line, "distribution": list(line["distribution"].items()), "versions": list(line["versions"].items())} | {
        "trace": trace
    }


def _schema(arrow: Any) -> Any:
    text, whole = arrow.string(), arrow.int64()
    return arrow.schema(
        {
            "id": text,
            "task": text,
            "label": text,
            "probability": arrow.float64(),
            "distribution": arrow.map_(text, arrow.float64()),
            "abstained": arrow.bool_(),
            "in_scope": arrow.float64(),
            "out_of_scope": arrow.bool_(),
            "spend": arrow.struct({"calls": whole, "output_tokens": whole, "parameters": whole}),
            "trace": text,
            "versions": arrow.map_(text, text),
            "content": text,
        }
    )
