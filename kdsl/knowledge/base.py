"""`KnowledgeBase`: a folder of documents with their vectors that is added to, searched and checked over the years.

Documents come from sources: files, folders, catalogues. A source that is given again is compared with what the base has
of it, so that only new and changed documents are embedded, and what the source no longer holds is removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np

from kdsl.config import EncodersConfig
from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.encoders.base import TextEncoder
from kdsl.encoders.registry import text_encoder
from kdsl.errors import BundleError, InputError, did_you_mean
from kdsl.knowledge.documents import Document
from kdsl.knowledge.embedders import passage_vectors
from kdsl.knowledge.entries import source_of
from kdsl.knowledge.index import MANIFEST, Hit
from kdsl.knowledge.products import PRODUCT, read_products
from kdsl.knowledge.rankers.vectors import CharacterRanker
from kdsl.knowledge.snippets import SNIPPET, read_snippets
from kdsl.knowledge.store.catalog import FILE, Facet
from kdsl.knowledge.store.selection import ANY, Where
from kdsl.knowledge.store.store import Store
from kdsl.knowledge.store.verify import verify
from kdsl.progress import track
from kdsl.runs import listed, sole_writer
from kdsl.tasks import Task

ENCODER = EncodersConfig().text[0]
"""The encoder of a new base where none is named; it comes with kdsl."""
FACETS: tuple[Facet, ...] = ("kind", "task", "label", "language", "source")
"""What `KnowledgeBase.stats` counts by."""

_BLOCK = 256
"""Documents that are embedded between two steps of the progress bar."""
_COMMIT = 20_000
"""Documents that are written in one step; a reader sees all of a smaller addition or nothing of it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What an addition did: how many documents are new, changed, removed, and as they were."""

    new: int
    changed: int
    removed: int
    same: int

    def __str__(self) -> str:
        return f"{self.new} new, {self.changed} changed, {self.removed} removed, {self.same} same"

    def to_json(self) -> dict[str, int]:
        """Plain values for JSON."""
        return asdict(self)


class KnowledgeBase:
    """A base in a folder; make it with `at` or `open`. Several processes may search it while one adds to it."""

    def __init__(self, folder: Path, encoder: str | None, store: Store | None) -> None:
        self.folder = folder
        self._encoder = encoder
        self._made = store

    @classmethod
    def open(cls, folder: Path, encoder: str | None = None) -> Self:
        """A base that is there.

        Args:
            encoder: the encoder of texts that it must have been made with; any, if none is named.

        Raises:
            BundleError: the folder is no base, is damaged, or was made with another encoder or version of it.
            MissingDependency: its encoder cannot run here.
        """
        if not (folder / FILE).is_file():
            raise BundleError(f"{folder}: is no knowledge base; `kdsl knowledge add` makes one.")
        store = Store.open(folder)
        name, _, made_with = store.embedder.rpartition(" ")
        if encoder not in (None, name):
            raise BundleError(
                f"{folder}: was made with encoder '{name}', and vectors of '{encoder}' cannot be compared with its "
                f"own. Leave out the encoder to use the base as it is, or build a new one in another folder."
            )
        if (folder / MANIFEST).is_file() and (name == CharacterRanker.name or " and " in store.embedder):
            return cls(folder, None, store)  # it can be looked into
        here = text_encoder(name).version
        if made_with != here:
            raise BundleError(
                f"{folder}: was made with encoder '{name}' {made_with}, and {here} is installed, whose vectors cannot "
                "be compared with its own. Install that version, or build a new base in another folder."
            )
        return cls(folder, name, store)

    @classmethod
    def at(cls, folder: Path, encoder: str | None = None) -> Self:
        """The base in a folder; if there is none, a new one, which is made when documents are added to it.

        Raises:
            InputError: the folder holds something else, such as a bundle's index, which can be opened and not added to.
            BundleError: as `open` raises it.
            MissingDependency: the encoder cannot run here.
        """
        if (folder / MANIFEST).is_file():
            raise InputError(
                f"{folder}: is the index of a bundle, whose parts belong together. Add to the snippets of its config "
                "(knowledge.snippets) and fit again, or choose another folder."
            )
        if (folder / FILE).is_file():
            return cls.open(folder, encoder)
        if folder.exists() and (not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir())):
            raise InputError(f"{folder}: holds something else than a knowledge base; choose another folder.")
        return cls(folder, text_encoder(encoder or ENCODER).name, None)

    def add_files(
        self,
        paths: Sequence[Path] = (),
        tasks: Sequence[Task] = (),
        *,
        products: Sequence[Path] = (),
        images: Path = Path(),
        columns: Columns = AS_KNOWN,
    ) -> Changes:
        """Add snippets and products from files; those of a folder with its subfolders.

        Args:
            paths: snippets (`kdsl.knowledge.snippets`).
            tasks: those whose labels snippets may name.
            products: catalogues (`kdsl.knowledge.products`).
            images: the folder that pictures of products lie below.
            columns: part of a snippet or product -> the column that holds it, where it has a name of its own.

        Raises:
            InputError: files have faults (all are listed), `columns` names a part that neither has, or another process
                is adding to the base. Nothing was added.
        """
        beside = self.folder.absolute().parent
        of_snippets, of_products = _shared_out(columns, bool(paths), bool(products))
        apart = [*products, self.folder]
        documents = read_snippets(paths, tasks, beside, of_snippets, leave_out=apart) if paths else []
        documents += [product.document() for product in read_products(products, images, beside, of_products)]
        return self.add(documents, [source_of(path, beside) for path in (*paths, *products)])

    def add(self, documents: Sequence[Document], sources: Sequence[str]) -> Changes:
        """Add documents; those of the same sources that are not among them any more are removed.

        A run that was killed may be repeated: what it had written is there, and the encoder kept its vectors.

        Args:
            sources: names of all sources that the documents are from; that of a folder stands for all in it.

        Raises:
            InputError: an id repeats, or belongs to another source's document with other content; or another process
                is adding to the base.
        """
        with sole_writer(self.folder):
            plan = self._plan(documents, sources)
            self._make()
            blocks = track(_blocks(plan.embed), "embedding", -(-len(plan.embed) // _BLOCK))
            while ready := list(islice(blocks, _COMMIT // _BLOCK)):
                block = [document for part in ready for document in part]
                self._store.add(block, np.concatenate([self._vectors(part) for part in ready]))
            self._store.remove(plan.removed)
            if self._store.due():
                self._store.rebuild()
        return plan.changes

    def search(self, text: str, k: int = 5, where: Where = ANY) -> list[Hit]:
        """The `k` documents that are nearest to a text in meaning, best first; fewer if fewer pass the filter.

        Raises:
            BundleError: it is the index of a bundle without an encoder of texts, or with several.
        """
        query = self._vectors([Document("", "faq", text.strip(), "")])
        if not query.any():
            return []
        with self._store.view() as view:
            rows, similarities = view.search(query, min(k, len(view)), where)
            found = rows[0] >= 0
            documents = view.documents(rows[0][found])
        return [Hit(document, float(s)) for document, s in zip(documents, similarities[0][found], strict=True)]

    def unknown(self, where: Where) -> list[str]:
        """Values of a filter that no document has, each in a sentence for people."""
        wanted: dict[Facet, Sequence[str]] = {
            "kind": where.kinds,
            "task": [where.task] if where.task else [],
            "label": where.labels,
            "language": where.languages,
            "source": where.sources,
        }
        with self._store.view() as view:
            there = {facet: view.tally(facet) for facet, values in wanted.items() if values}
        return [
            f"no document has the {facet} '{value}'.{did_you_mean(value, there[facet])}"
            for facet, values in wanted.items()
            for value in values
            if value not in there[facet]
        ]

    def stats(self) -> dict[str, Any]:
        """Numbers of documents in all and by kind, task, label, language and source ('' where there is none)."""
        with self._store.view() as view:
            return {
                "documents": len(view.rows()),
                "encoder": view.embedder,
                "generation": view.generation,
                **{f"by_{name}": view.tally(name) for name in FACETS},
            }

    @staticmethod
    def verify(folder: Path) -> list[str]:
        """What is wrong with the base in a folder, by the hashes of its files and documents; [] if it is whole.

        Raises:
            BundleError: there is no base, or so little of one that it cannot be checked.
        """
        return verify(folder)

    @property
    def _store(self) -> Store:
        if self._made is None:
            raise BundleError(f"{self.folder}: is no knowledge base yet; add documents to it first.")
        return self._made

    @property
    def _text_encoder(self) -> TextEncoder:
        if self._encoder is None:
            raise BundleError(
                f"{self.folder}: is the index of a bundle, with vectors of '{self._store.embedder}', and can be "
                "searched where they are of one encoder of texts. `kdsl knowledge stats` says what is in it."
            )
        return text_encoder(self._encoder)

    def _make(self) -> None:
        if self._made is None:
            encoder = self._text_encoder
            self._made = Store.create(self.folder, encoder.dim, f"{encoder.name} {encoder.version}")

    def _vectors(self, documents: Sequence[Document]) -> np.ndarray:
        encoder = self._text_encoder
        return passage_vectors(documents, encoder.encode, encoder.dim)

    def _plan(self, documents: Sequence[Document], sources: Sequence[str]) -> _Plan:
        ids = {document.id for document in documents}
        before: dict[str, tuple[str, str]] = {}
        given: tuple[str, ...] = ()
        removed: set[str] = set()
        if self._made:
            with self._made.view() as view:
                before = view.origins(ids)
                given = tuple(source for source in view.tally("source") if self._within(source, sources))
                removed = set(view.ids(Where(sources=given)) if given else ()) - ids
        new: list[Document] = []
        changed: list[Document] = []
        faults: list[str] = []
        seen: dict[str, str] = {}
        for document in documents:
            id, source = document.id, document.source
            if id in seen:
                faults.append(f"{source}: id '{id}' stands in {seen[id]} already")
            seen[id] = source
            if id not in before:
                new.append(document)
                continue
            digest, known_source = before[id]
            if digest != document.digest and known_source not in given:
                faults.append(f"{source}: id '{id}' belongs to {known_source}, with other content; give another id")
            elif digest != document.digest or (source != known_source and known_source in given):
                changed.append(document)
        if faults:
            raise InputError(f"{self.folder}: {len(faults)} document(s) cannot be added:\n{listed(faults)}")
        same = len(documents) - len(new) - len(changed)
        return _Plan([*new, *changed], removed, Changes(len(new), len(changed), len(removed), same))

    def _within(self, source: str, given: Sequence[str]) -> bool:
        """Whether a source is one of these, or lies in a folder that is."""
        beside = self.folder.absolute().parent
        path = Path(os.path.normpath(beside / source))
        return any(path.is_relative_to(os.path.normpath(beside / name)) for name in given)


def _shared_out(columns: Columns, snippets: bool, products: bool) -> tuple[Columns, Columns]:
    """The columns of snippets and those of products: each kind of table is asked for its own parts alone."""
    known = {**(SNIPPET if snippets else {}), **(PRODUCT if products else {})}
    if strange := sorted(set(columns) - set(known)):
        raise InputError(f"a column is named for '{strange[0]}'; expected {', '.join(known)}.")
    return (
        {part: name for part, name in columns.items() if part in SNIPPET},
        {part: name for part, name in columns.items() if part in PRODUCT},
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    embed: list[Document]
    removed: set[str]
    changes: Changes


def _blocks(documents: Sequence[Document]) -> Iterator[Sequence[Document]]:
    for start in range(0, len(documents), _BLOCK):
        yield documents[start : start + _BLOCK]
