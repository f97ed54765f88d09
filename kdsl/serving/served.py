"""`Served`: one opened bundle behind its batcher: takes a sample as it came in, and gives its prediction."""

from __future__ import annotations

import asyncio
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from time import monotonic

from PIL import Image

from kdsl import __version__
from kdsl.data.pictures import open_header
from kdsl.data.prediction import Prediction
from kdsl.data.sample import Sample
from kdsl.encoders.cache import nothing_kept
from kdsl.ensemble.router import load_routers
from kdsl.errors import BundleError, InputError
from kdsl.evidence.types import Evidence
from kdsl.recognizer import Recognizer, place
from kdsl.serving.batcher import Answer, Batcher, Cost, Expired
from kdsl.serving.pictures import Reader
from kdsl.serving.schemas import MOST_LETTERS_TOGETHER, LabelInfo, Model, TaskInfo
from kdsl.serving.settings import ServerSettings
from kdsl.tasks import Task

LETTERS_PER_TOKEN = 1.5
"""Between Chinese (about one) and Latin (about four): batches need no exact count."""
TEST_TIMEOUT = 600.0
"""Seconds in which a bundle's first prediction has to come; large models are loaded by it."""


class Served:
    """A bundle that predicts. Create it within a running event loop.

    Args:
        told: called after each batch with (samples, seconds in the model).
    """

    def __init__(
        self, recognizer: Recognizer, settings: ServerSettings, told: Callable[[int, float], None] = lambda n, s: None
    ) -> None:
        self.recognizer = recognizer
        bundle = recognizer.bundle
        limit = min(bundle.config.evidence.max_megapixels, settings.max_megapixels)
        self._config = bundle.config.evidence.model_copy(update={"max_megapixels": limit})
        self._reader = Reader(self._config)
        self._batcher: Batcher[Evidence, Prediction] = Batcher(self._predict, settings.batch, settings.queue, told)
        self.model = self._model()

    @property
    def name(self) -> str:
        """The name of the bundle's folder."""
        return self.recognizer.bundle.folder.name

    @property
    def depth(self) -> int:
        """Samples that wait for the model."""
        return self._batcher.depth

    @property
    def tasks(self) -> list[TaskInfo]:
        """What the bundle can tell."""
        bundle = self.recognizer.bundle
        routers = load_routers(bundle.folder / "ensemble.json")
        return [
            TaskInfo(
                name=task.name,
                input=task.input,
                labels=[LabelInfo(name=label.name, descriptions=list(label.descriptions)) for label in task.labels],
                ask_below=routers[task.name].ask_below,
            )
            for task in bundle.tasks
        ]

    def rules_changed(self) -> None:
        """Take note that a rule book was changed: answers name another version."""
        self.model = self._model()

    @contextmanager
    def admission(self, samples: int) -> Iterator[None]:
        """Hold room for samples until they are answered; see `Batcher.admission`."""
        with self._batcher.admission(samples):
            yield

    async def answer(self, sample: Sample, deadline: float) -> tuple[Answer[Prediction], Evidence]:
        """Read an admitted sample, and predict it in a batch with others.

        Args:
            deadline: by the clock `time.monotonic`.

        Returns:
            The prediction, and what it was made of; the files of its pictures are gone.

        Raises:
            InputError: the sample cannot be used.
            Expired: the deadline has passed.
        """
        if not sample.pictures:
            evidence = Evidence(place([sample], self.recognizer.bundle.tasks, Path())[0], ())
            return await self._submit(evidence, deadline), evidence
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="kdsl-request-"))
        try:
            async with asyncio.timeout(max(deadline - monotonic(), 0)):
                placed = (await asyncio.to_thread(place, [sample], self.recognizer.bundle.tasks, folder))[0]
                evidence = await self._reader.read(placed, folder)
            return await self._submit(evidence, deadline), evidence
        except TimeoutError as error:
            raise Expired from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def _submit(self, evidence: Evidence, deadline: float) -> Answer[Prediction]:
        letters = sum(len(turn.text) for turn in evidence.sample.turns) + len(evidence.ocr_text)
        if letters > MOST_LETTERS_TOGETHER:
            raise InputError(
                f"the turns and what is written in the pictures are {letters} letters together; expected "
                f"{MOST_LETTERS_TOGETHER} at most."
            )
        pixels = sum(picture.width * picture.height for picture in evidence.pictures)
        return await self._batcher.submit(evidence, Cost(1 + int(letters / LETTERS_PER_TOKEN), pixels), deadline)

    def checked(self, sample: Sample) -> Sample:
        """A sample with its task, if it could be predicted, as far as the headers of its pictures say.

        Raises:
            InputError: it cannot be used.
        """
        with tempfile.TemporaryDirectory(prefix="kdsl-request-") as folder:
            placed = place([sample], self.recognizer.bundle.tasks, Path(folder))[0]
            for number, name in enumerate(placed.images, 1):
                open_header(Path(folder) / name, str(number), self._config.max_megapixels).close()
            return placed

    async def test(self) -> None:
        """Predict a sample of each task, as a request would.

        Raises:
            BundleError: a prediction fails, or is none.
        """
        for task in self.recognizer.bundle.tasks:
            try:
                with self.admission(1):
                    answer, _ = await self.answer(_probe(task), monotonic() + TEST_TIMEOUT)
                _check(answer.value, task)
            except Exception as error:  # whatever it is, the bundle does not predict
                said = str(error) or type(error).__name__
                raise BundleError(
                    f"bundle '{self.name}' failed its test prediction of task '{task.name}': {said}"
                ) from error

    async def close(self) -> None:
        """Answer what was admitted, then give back what is held."""
        await self._batcher.close()
        self._reader.close()
        await asyncio.to_thread(self.recognizer.close)

    def _predict(self, evidences: Sequence[Evidence]) -> list[Prediction]:
        with nothing_kept():
            return self.recognizer.predict_evidence(evidences)

    def _model(self) -> Model:
        return Model(version=self.recognizer.bundle.version, bundle=self.name, kdsl=__version__)


def _probe(task: Task) -> Sample:
    """A sample of which a working bundle can say something."""
    if task.input == "dialogue":
        return Sample.dialogue([task.labels[0].texts[-1]], task=task.name, id="test")
    stream = BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((96, 160)).save(stream, "PNG")
    return Sample.picture(stream.getvalue(), task=task.name, id="test")


def _check(found: Prediction, task: Task) -> None:
    """Refuse what is no distribution over the task's labels."""
    shares = found.distribution
    if set(shares) != set(task.names):
        raise BundleError("its distribution is over other labels than the task's.")
    if (
        not all(math.isfinite(share) and share >= 0 for share in shares.values())
        or abs(sum(shares.values()) - 1) > 0.01
    ):
        raise BundleError("its probabilities do not sum to 1.")
    if found.label != max(shares, key=shares.__getitem__):
        raise BundleError("its label is not the likeliest one.")
