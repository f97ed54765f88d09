"""`mine`: MIND's three stages over a catalogue and its pairs, each of which a killed run continues where it stopped."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from kdsl.data.notes import Notes
from kdsl.data.pictures import picture_path
from kdsl.encoders.registry import text_encoder
from kdsl.errors import InputError
from kdsl.files import file_hash
from kdsl.intentions import rules
from kdsl.intentions.backends.base import Backend, BackendError, Request
from kdsl.intentions.finish import finish
from kdsl.intentions.folder import Candidate, MiningFolder, PairTitles
from kdsl.intentions.log import Row, RowLog
from kdsl.intentions.pairs import Pair, read_pairs
from kdsl.intentions.prompts import Described, Prompts, open_small
from kdsl.intentions.relations import Relation, load_relations
from kdsl.intentions.settings import MiningConfig
from kdsl.intentions.stage import Work, complete
from kdsl.knowledge.products import Product, read_products
from kdsl.runs import claim, digest, sole_writer

if TYPE_CHECKING:
    from PIL.Image import Image

_CHUNK = 64
"""Pairs whose intentions are embedded together."""
_PICTURES = 256
"""Pictures held in memory; pairs of one product often follow each other."""

log = logging.getLogger(__name__)


def open_backend(config: MiningConfig) -> Backend:
    """The model that a config names.

    Raises:
        MissingDependency: it, or a package that it needs, is not here.
        ConfigError: it was not trained to write.
    """
    if config.server is not None:
        from kdsl.intentions.backends.server import ServerBackend

        return ServerBackend(config.server)
    assert config.local is not None
    from kdsl.intentions.backends.local import LocalBackend

    return LocalBackend(config.local.model, batch_size=config.local.batch_size, max_pixels=config.local.max_pixels)


def mine(
    backend: Backend,
    products: Sequence[Path],
    pairs: Path,
    images: Path,
    out: Path,
    config: MiningConfig,
) -> Path:
    """Mine the intentions of pairs of products into the folder `out`; returns the report.

    A further run with the same `out` asks only for what is missing, failed or has changed: new products, pairs and
    relations may be added. A product that fails costs its own pairs alone, and the log of each stage says why.

    Args:
        products: catalogues (`kdsl.knowledge.products`).
        pairs: file of pairs (`kdsl.intentions.pairs.read_pairs`).
        images: the folder that all pictures lie below.

    Raises:
        InputError: a file cannot be read, or another command writes to `out`.
        BundleError: `out` holds a run of another model, language or length.
        BackendError: the model or server cannot go on, or wrote no intention at all; the same command continues later.
    """
    catalogue = {product.id: product for product in read_products(products, images, Path.cwd(), on_fault="leave out")}
    notes = Notes()
    wanted = read_pairs(pairs, catalogue, notes)
    notes.log(pairs)
    relations = load_relations(Path(config.relations))
    folder = MiningFolder(out)
    with sole_writer(out):
        stamp = {
            "model": backend.version,
            "sees": backend.sees,
            "language": config.language,
            "feature_tokens": config.feature_tokens,
            "intention_tokens": config.intention_tokens,
        }
        claim(folder.stamp, stamp, "a mining run", "Choose another `out`, or the settings that it was begun with.")
        folder.write_pairs(PairTitles(p.a, p.b, catalogue[p.a].title, catalogue[p.b].title) for p in wanted)
        run = _Run(backend, catalogue, wanted, relations, images, folder, config)
        run.features()
        run.intentions()
        run.sift()
        run.verdicts()
        return finish(folder, config, backend.name)


class _Run:
    """The stages of one run, each of which completes its log."""

    def __init__(
        self,
        backend: Backend,
        catalogue: Mapping[str, Product],
        pairs: Sequence[Pair],
        relations: Sequence[Relation],
        images: Path,
        folder: MiningFolder,
        config: MiningConfig,
    ) -> None:
        self.backend, self.config, self.folder = backend, config, folder
        self.catalogue, self.pairs, self.relations, self.images = catalogue, pairs, relations, images
        self.prompts = Prompts(config.language, backend.chats)
        self.picture = lru_cache(_PICTURES)(self._picture)
        self.picture_hash = lru_cache(None)(self._picture_hash)

    def features(self) -> None:
        """Stage 1: each product of a pair, with its first picture if it has one."""
        wanted = dict.fromkeys(id for pair in self.pairs for id in (pair.a, pair.b))
        bare = sum(not self.catalogue[id].pictures for id in wanted)
        if bare and self.backend.sees:
            log.warning("%d of %d products have no picture; they are asked about by their texts", bare, len(wanted))
        if not self.backend.sees:
            log.info("%s sees no pictures; products are asked about by their texts", self.backend.name)

        def works() -> Iterator[Work]:
            for id in wanted:
                product = self.catalogue[id]
                of = digest(product.title, product.text, product.attributes, self.picture_hash(id))
                yield Work((id,), of, partial(self._ask_features, product))

        with self.folder.log("features") as done:
            most = self.config.feature_tokens
            complete(done, works(), lambda asked: self.backend.write(asked, most), "features", len(wanted))

    def intentions(self) -> None:
        """Stage 2: each pair in the words of each relation.

        Raises:
            BackendError: not one was written.
        """
        with self.folder.log("features") as features, self.folder.log("intentions") as done:

            def works() -> Iterator[Work]:
                for pair in self.pairs:
                    described = self._pair_digest(pair, features)
                    for relation in self.relations:
                        of = digest(described, self.prompts.opening(relation))
                        key = (pair.a, pair.b, relation.name)
                        yield Work(key, of, partial(self._ask_intention, pair, relation, features))

            most, total = self.config.intention_tokens, len(self.pairs) * len(self.relations)
            failed = complete(done, works(), lambda asked: self.backend.write(asked, most), "intentions", total)
            if failed == total:
                raise BackendError(f"no intention was written: {done.path} says why. The same command tries again.")

    def sift(self) -> None:
        """The first part of stage 3: the candidates, and the rule that drops each."""
        with self.folder.log("intentions") as done:
            told: Counter[str] = Counter()
            for _, texts in self._written(done):
                told.update({rules.plain(text.tail) for text in texts.values()})
            common = rules.common(told, len(self.pairs))
            self.folder.write_candidates(self._candidates(done, common))

    def verdicts(self) -> None:
        """The second part: what the judge says of each candidate that the rules let pass."""
        left = [candidate for candidate in self.folder.candidates() if candidate.dropped is None]
        with self.folder.log("features") as features, self.folder.log("verdicts") as done:

            def works() -> Iterator[Work]:
                for one in left:
                    pair = Pair(one.a, one.b)
                    of = digest(self._pair_digest(pair, features), one.text)
                    yield Work(one.key, of, partial(self._ask_verdict, pair, one.text, features))

            complete(done, works(), self.backend.score, "verdicts", len(left))

    def _written(self, done: RowLog) -> Iterator[tuple[Pair, dict[str, rules.Text]]]:
        """Of each pair, the intentions that were written, by relation."""
        for pair in self.pairs:
            texts = {}
            for relation in self.relations:
                row = done.get((pair.a, pair.b, relation.name))
                if row is not None and "failed" not in row:
                    finished = row["written"] < self.config.intention_tokens
                    texts[relation.name] = rules.Text(self.prompts.opening(relation), rules.tidy(row["text"]), finished)
            yield pair, texts

    def _candidates(self, done: RowLog, common: Collection[str]) -> Iterator[Candidate]:
        encoder = text_encoder(self.config.judge.encoder)
        written = self._written(done)
        while chunk := list(islice(written, _CHUNK)):
            encoder.encode(
                [rules.plain(text.tail) for _, texts in chunk for text in texts.values()]
            )  # at once, for its cache
            for pair, texts in chunk:
                titles = [self.catalogue[id].title for id in (pair.a, pair.b)]
                faults = {name: rules.fault(text, titles) for name, text in texts.items()}
                for name, text in texts.items():
                    if faults[name] is None and rules.plain(text.tail) in common:
                        faults[name] = "said of many pairs"
                good = [name for name in texts if faults[name] is None]
                again = rules.near_duplicates([texts[name] for name in good], encoder)
                faults |= {name: "near-duplicate" for name, double in zip(good, again, strict=True) if double}
                for name in (relation.name for relation in self.relations):
                    if name in texts:
                        text = texts[name]
                        yield Candidate(pair.a, pair.b, name, text.whole, text.tail, faults[name])
                    else:
                        yield Candidate(pair.a, pair.b, name, "", "", "no answer")

    def _pair_digest(self, pair: Pair, features: RowLog) -> str:
        """Of all that is said and shown of a pair."""
        rows = [features.get((id,)) or {} for id in (pair.a, pair.b)]
        return digest([(row.get("of"), row.get("text")) for row in rows])

    def _ask_features(self, product: Product) -> Request:
        return self.prompts.features(product, self.picture(product.id))

    def _ask_intention(self, pair: Pair, relation: Relation, features: RowLog) -> Request:
        return self.prompts.intention(*self._described(pair, features), relation)

    def _ask_verdict(self, pair: Pair, intention: str, features: RowLog) -> Request:
        return self.prompts.verdict(*self._described(pair, features), intention)

    def _described(self, pair: Pair, features: RowLog) -> tuple[Described, Described]:
        """Both products with what stage 1 wrote.

        Raises:
            InputError: stage 1 failed for one of them.
        """
        a, b = (self._one_described(id, features.get((id,))) for id in (pair.a, pair.b))
        return a, b

    def _one_described(self, id: str, row: Row | None) -> Described:
        if row is None or "failed" in row:
            raise InputError(f"product {id} failed in stage 1: {'no answer' if row is None else row['failed']}")
        # a model that was not trained to stop goes on with something else after its first sentence
        features = row["text"] if self.backend.chats else rules.tidy(row["text"])
        return Described(self.catalogue[id], self.picture(id), features)

    def _picture(self, id: str) -> Image | None:
        """A product's first picture, if there is one and the model sees."""
        pictures = self.catalogue[id].pictures
        if not pictures or not self.backend.sees:
            return None
        return open_small(self.images, pictures[0], self.config.max_megapixels)

    def _picture_hash(self, id: str) -> str | None:
        pictures = self.catalogue[id].pictures
        if not pictures or not self.backend.sees:
            return None
        try:
            return file_hash(picture_path(self.images, pictures[0]))
        except (InputError, OSError):
            return "unreadable"  # asking about it raises an error with a readable message
