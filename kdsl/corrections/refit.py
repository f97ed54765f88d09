"""`refit`: makes a candidate for a bundle's place of its samples and people's corrections, and compares the two.

The candidate is a bundle of its own, fitted with the same settings. Samples of the bundle keep their inner folds, so
that before and after differ by the corrections alone; edited rules are carried over. Each step that is finished is
kept: a refit that was killed goes on with the corrections that it began with.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kdsl.corrections.comparison import COMPARISON, Comparison, TaskComparison, compare_task, overall
from kdsl.corrections.feedback import Feedback
from kdsl.corrections.rows import CORRECTIONS, Rows, extended_folds, rows_of, rows_of_bundle, source_of
from kdsl.corrections.switching import MADE_FROM, book_of, books_digest, tasks_with_book
from kdsl.data.duplicates import near_duplicates
from kdsl.data.files import json_rows
from kdsl.data.source import DataSource
from kdsl.ensemble.bundle import Bundle, open_bundle
from kdsl.ensemble.fit import fit_bundle
from kdsl.errors import BundleError, InputError
from kdsl.evidence.copies import fingerprints
from kdsl.files import atomic_write, write_json, write_jsonl
from kdsl.recognizer import check_models
from kdsl.rules.book import RuleBook
from kdsl.rules.book_file import BookFile
from kdsl.rules.given import given_rules
from kdsl.rules.history import History
from kdsl.rules.remine import save_remined
from kdsl.runs import claim, sole_writer
from kdsl.training.inner_folds import inner_folds

log = logging.getLogger(__name__)

_FOLDS = "refit/folds.json"
_ADVICE = "Give another folder for the candidate, or delete this one."


def refit(bundle: Path, feedback: Path, out: Path, source: DataSource | None = None) -> Comparison:
    """Make a candidate in the folder `out`, or go on with one; a finished one gets what was done to rules since.

    Args:
        feedback: the file of corrections in a server's state.
        source: the files that the bundle was fitted on; by default those that it names itself. Columns that it does
            not name are the fit's.

    Raises:
        InputError: there are no corrections, the samples are not those of the bundle, or another command makes this
            candidate.
        BundleError: the bundle cannot be read, or `out` holds something else.
    """
    before = open_bundle(bundle)
    if out.resolve() == before.folder.resolve():
        raise InputError(f"{out} is the bundle itself; a candidate needs a folder of its own.")
    if (out / "manifest.json").is_file() and not (out / MADE_FROM).is_file():
        raise BundleError(f"{out} holds a bundle that is no candidate of {bundle}. {_ADVICE}")
    with sole_writer(out.with_name(f"{out.name}.refit")):
        claim(out / MADE_FROM, {"bundle": before.manifest["id"]}, "a candidate", _ADVICE)
        _keep(feedback, before, out)
        if finished := Comparison.of_candidate(out):
            log.info("%s is finished already", out)
            if finished.rules != books_digest(before):
                _carry_rules(before, open_bundle(out))
                finished = replace(finished, rules=books_digest(before))
                finished.save(out)
            return finished
        source = source or source_of(before)
        return _made(before, out, replace(source, columns=before.columns_for(source.files, source.columns)))


def next_candidate(bundle: Bundle) -> Path:
    """A folder beside a bundle for its next candidate: an unfinished one of it, else one that is not there yet."""
    stem = bundle.folder.name.partition("-refit-")[0]
    number = 1
    while not _is_next(bundle, folder := bundle.folder.with_name(f"{stem}-refit-{number}")):
        number += 1
    return folder


def _is_next(bundle: Bundle, folder: Path) -> bool:
    if not folder.exists():
        return True
    stamp = folder / MADE_FROM
    made_from = next(_values(stamp))["bundle"] if stamp.is_file() else None
    return bool(made_from == bundle.manifest["id"] and not (folder / COMPARISON).exists())


def _made(before: Bundle, out: Path, source: DataSource) -> Comparison:
    check_models(before.config, before.tasks)
    old = rows_of_bundle(before, source)
    rows = rows_of(source, out / CORRECTIONS, before.tasks, before.config.evidence)
    log.info("%d samples got another label, %d are new", rows.relabelled, rows.added)
    if not (out / _FOLDS).is_file():
        write_json(out / _FOLDS, _folds(before, old, rows))
    folds = next(_values(out / _FOLDS))
    given = before.given_adapters
    if given:
        log.warning(
            "the fit was given adapters (%s), which the candidate takes as they are: they learn no correction",
            ", ".join(given),
        )
    after = fit_bundle(rows.evidences, before.tasks, before.config, out, adapters=given, folds=folds, source=source)
    if after.config.large is not None:
        from kdsl.export.card import write_cards

        write_cards(after)
    rules = books_digest(before)
    _carry_rules(before, after)
    tasks = tuple(_compared(before, after, rows))
    found = Comparison(
        before=before.manifest["id"],
        after=after.manifest["id"],
        corrections=sum(1 for _ in json_rows(out / CORRECTIONS)),
        relabelled=rows.relabelled,
        added=rows.added,
        unjudged=sum(bool(e.sample.out_of_scope) for e in rows.evidences),
        verdict=overall(tasks),
        tasks=tasks,
        rules=rules,
    )
    found.save(out)
    return found


def _compared(before: Bundle, after: Bundle, rows: Rows) -> Iterator[TaskComparison]:
    for task in after.tasks:
        if labelled := rows.labelled(task):
            yield compare_task(task, labelled, rows.corrected, before, after)


def _keep(feedback: Path, before: Bundle, out: Path) -> None:
    """Write the corrections that count now into the candidate, unless it has begun with some."""
    kept = out / CORRECTIONS
    if not feedback.is_file():
        raise InputError(f"{feedback} is not there; it holds the corrections, in the state folder of a server.")
    rows = list(Feedback(feedback).export({task.name: task for task in before.tasks}))
    if kept.is_file():
        if list(_values(kept)) != rows:
            log.warning("%s goes on with the corrections that it began with; there are others now", out)
        return
    if not rows:
        raise InputError(f"{feedback} holds no correction that counts; a candidate would be the same bundle again.")
    old = before.folder / CORRECTIONS
    if old.is_file() and [_content(row) for row in _values(old)] == [_content(row) for row in rows]:
        raise InputError(f"{before.folder} was fitted on these {len(rows)} corrections already.")
    write_jsonl(kept, rows)


def _content(row: Any) -> tuple[Any, ...]:
    return row["id"], row["task"], row["output"]


def _values(file: Path) -> Iterator[Any]:
    """The values of a file that this module wrote."""
    text = file.read_text("utf-8")
    lines = text.split("\n") if file.suffix == ".jsonl" else [text]  # a text may hold other line ends of Unicode
    yield from map(json.loads, filter(None, lines))


def _folds(before: Bundle, old: Rows, rows: Rows) -> dict[str, int]:
    """Id -> inner fold of the samples of each task that the bundle was fitted on: those of the bundle, and new ones."""
    folds: dict[str, int] = {}
    recorded = before.folder / _FOLDS
    given = next(_values(recorded)) if recorded.is_file() else {}
    for task in before.tasks:
        known = {task.name: old.labelled(task)}
        labelled = rows.labelled(task)
        if not known[task.name] or not labelled:
            continue
        (numbers,) = inner_folds(known, [task], before.config, given).values()
        of_id = {e.sample.id: int(fold) for e, fold in zip(known[task.name], numbers, strict=True)}
        together = near_duplicates([e.sample for e in labelled], fingerprints(labelled))
        folds |= extended_folds(of_id, labelled, together)
    return folds


def _carry_rules(before: Bundle, after: Bundle) -> None:
    """Put what people did to the bundle's rule books into those of the candidate, with their history."""
    for task in tasks_with_book(before):
        book, target = book_of(before, task), book_of(after, task)
        name = f"rules/{book.name}"
        if not target.is_file() or (name not in before.edited and not History(book).versions):
            continue
        judged = given_rules(task, before.config.rules.books)
        with tempfile.TemporaryDirectory(prefix="kdsl-") as folder:
            copy = Path(folder) / book.name
            for file in (book, History(book).path):
                if file.is_file():
                    shutil.copyfile(file, Path(folder) / file.name)
            for line in save_remined(RuleBook.load(target), BookFile.load(copy), judged).lines():
                log.info("%s: %s", task.name, line)
            history = History(copy).path
            if history.is_file():
                atomic_write(target.with_name(history.name), history.read_bytes())
            atomic_write(target, copy.read_bytes())
