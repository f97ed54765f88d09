"""`Recognizer`: a fitted bundle, opened: the way into kdsl from Python."""

from __future__ import annotations

import hashlib
import io
import logging
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from kdsl.config import Config, ModelServer
from kdsl.config_file import load_config, load_settings, load_tasks
from kdsl.data.columns import AS_KNOWN, Columns
from kdsl.data.dialogue import IMAGE, is_cut
from kdsl.data.folders import picture_root
from kdsl.data.own_task import note_descriptions, tasks_for
from kdsl.data.prediction import Prediction
from kdsl.data.readers import TOO_LONG, load_task_files, read_files
from kdsl.data.sample import Sample, listed
from kdsl.data.source import DataSource
from kdsl.data.trainable import check_fit, learned_from
from kdsl.ensemble.blocks import Engine, in_this_process
from kdsl.ensemble.bundle import Bundle, open_bundle
from kdsl.ensemble.predict_file import Summary, predict_file, predicted_lines
from kdsl.ensemble.predictor import Predictor
from kdsl.ensemble.with_book import WithBook
from kdsl.ensemble.workers import in_processes
from kdsl.errors import InputError
from kdsl.evidence.observe import observe
from kdsl.evidence.types import Evidence
from kdsl.files import atomic_write
from kdsl.machine import require_models
from kdsl.rules.collection import Rules
from kdsl.tasks import Task, task_by_name

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

log = logging.getLogger(__name__)

Data = str | Path | Sequence[str | Path] | Sequence[Sample]
"""A file of samples, several, a folder of pictures, or the samples themselves."""
SAMPLES = "a sample or a list of them, made by `Sample.dialogue([text])` or `Sample.picture(path)`"


class Recognizer:
    """Predicts with the bundle in a folder.

    Models are loaded at the first prediction. One recogniser may be used by several threads: they take turns at the
    models. It is a context manager; `close` gives back what it holds.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._lock = threading.RLock()
        self._inbox = tempfile.TemporaryDirectory(prefix="kdsl-")

    def __repr__(self) -> str:
        tasks = ", ".join(f"{task.name} ({task.input}, {len(task.labels)} labels)" for task in self.bundle.tasks)
        return f"<Recognizer of {str(self.bundle.folder)!r}: {tasks}>"

    @classmethod
    def load(cls, folder: str | Path, *, server: ModelServer | str | Path | None = None) -> Self:
        """Open the bundle that `fit` wrote.

        Args:
            server: a server that holds the bundle's base and adapters, or a YAML file of its settings: it is asked in
                place of the large model's weights (docs/gpu.md).

        Raises:
            BundleError: the folder is no bundle, unfinished, damaged, or of another version; or it has no large model
                that a server could stand for.
            ConfigError: the file `server` has faults.
        """
        bundle = open_bundle(Path(folder))
        if server is None:
            return cls(bundle)
        return cls(bundle.behind(server if isinstance(server, ModelServer) else load_settings(ModelServer, server)))

    @classmethod
    def fit(
        cls,
        data: Data | None = None,
        *,
        images: str | Path = ".",
        out: str | Path,
        config: str | Path | Config = "configs/nano.yaml",
        overrides: Sequence[str] = (),
        ocr: str | Path | None = None,
        task_file: str | Path | Sequence[str | Path] = (),
        columns: Columns = AS_KNOWN,
        adapters: Mapping[str, str | Path] = MappingProxyType({}),
    ) -> Self:
        """Fit a bundle into the folder `out` and open it; a fit that was killed continues, a finished one is opened.

        Args:
            data: labelled samples. Where none of their labels is known to the shipped tasks, and settings and
                `task_file` name no others, a task is made of the data (`kdsl.data.own_task`). A task without any
                labelled sample gets a first prediction from its labels' descriptions, rules and snippets
                (`kdsl.ensemble.unlabelled`); None: all of them. Samples without a label are not learned from, and the
                log says which; all of a task may lack one only where `task_file` names the labels.
            images: the folder that pictures named in files lie below; where `data` is a folder, that folder.
            config: a file of settings, one that ships with kdsl by its name, or settings.
            overrides: `key.path=value`, where `config` is a file.
            ocr: a file of OCR results that exist already.
            columns: columns of the files that are called otherwise than kdsl knows, such as
                `{"text": "question", "label": "topic"}`.
            task_file: the task files, in place of those that the settings name.
            adapters: task name, or 'joint', -> the folder of an adapter that takes the place of training one.

        Raises:
            KdslError: the samples, the settings or what lies in `out` do not allow it; the message says why.
        """
        from kdsl.ensemble.fit import fit_bundle

        settings = config if isinstance(config, Config) else load_config(config, overrides)
        files = [Path(file) for file in ([task_file] if isinstance(task_file, str | Path) else task_file)]
        given = [] if data is None else _given(data)
        if files or not given:
            tasks = load_task_files(files) if files else load_tasks(settings)
        else:
            tasks = tasks_for(given, load_tasks(settings), columns)
        note_descriptions(tasks)
        if given or adapters:  # else no model is trained or asked
            check_models(settings, tasks)
        with tempfile.TemporaryDirectory(prefix="kdsl-") as inbox:
            samples, root = _read(given, tasks, Path(images), Path(inbox), columns)
            fewest = settings.ensemble.fewest_folds
            check_fit(samples, tasks, fewest, settings.seed, unlabelled=bool(files))  # before any picture is read
            paths = [one for one in given if isinstance(one, Path)]
            used = learned_from(samples, paths, tasks, columns)
            evidences = observe(used, root, settings.evidence, Path(ocr) if ocr else None)
            folders = {name: Path(folder) for name, folder in adapters.items()}
            source = DataSource(paths, root, Path(ocr) if ocr else None, columns) if paths else None
            bundle = fit_bundle(evidences, tasks, settings, Path(out), adapters=folders, source=source)
        if bundle.config.large is not None:
            from kdsl.export.card import write_cards

            write_cards(bundle)
        return cls(bundle)

    @property
    def tasks(self) -> dict[str, Task]:
        """The bundle's tasks by name; a task's `labels` are the columns of `predict_proba`."""
        return {task.name: task for task in self.bundle.tasks}

    @cached_property
    def rules(self) -> Rules:
        """The rule book of each task by the task's name, and what can be done with them (docs/rules.md)."""
        files = {name: self.bundle.folder / "rules" / f"{name}.yaml" for name in self.tasks}
        files = {name: file for name, file in files.items() if file.is_file()}
        return Rules(files, lambda task, labelled: WithBook(self.bundle, task, labelled), self._reopen)

    def observe(
        self,
        data: Data,
        *,
        images: str | Path = ".",
        ocr: str | Path | None = None,
        columns: Columns = AS_KNOWN,
    ) -> list[Evidence]:
        """Samples with what is seen in their pictures, as `rules` takes them; arguments as `fit` takes them.

        Columns that are not named are those of the fit, as far as the files have them.

        Raises:
            InputError: a sample or a picture cannot be used.
        """
        with tempfile.TemporaryDirectory(prefix="kdsl-") as inbox:
            given = _given(data)
            paths = [one for one in given if isinstance(one, Path)]
            columns = self.bundle.columns_for(paths, columns) if paths else columns
            samples, root = _read(given, self.bundle.tasks, Path(images), Path(inbox), columns)
            return observe(samples, root, self.bundle.config.evidence, Path(ocr) if ocr else None)

    @overload
    def predict(self, samples: Sample) -> Prediction: ...

    @overload
    def predict(self, samples: Iterable[Sample]) -> list[Prediction]: ...

    def predict(self, samples: Sample | Iterable[Sample]) -> Prediction | list[Prediction]:
        """The prediction of a sample, or of each sample of a list, in order; tasks may be mixed.

        Raises:
            InputError: a sample cannot be used; nothing is predicted, and the message names it.
        """
        if isinstance(samples, Sample):
            return self.predict([samples])[0]
        with self._lock:
            return self.predict_evidence(self._observe(listed(samples, "samples", SAMPLES)))

    def predict_evidence(self, evidences: Sequence[Evidence]) -> list[Prediction]:
        """The prediction of each sample that was observed already, in order; tasks may be mixed."""
        with self._lock:
            return self._predictor.predict(evidences)

    def predict_proba(self, samples: Sample | Iterable[Sample]) -> np.ndarray:
        """Probabilities [n, m] of samples of one task; the columns are the task's labels, and one sample is one row.

        Raises:
            InputError: a sample cannot be used, or the samples are of several tasks.
        """
        import numpy as np

        found = self.predict([samples] if isinstance(samples, Sample) else samples)
        names = {prediction.task for prediction in found}
        if len(names) != 1:
            raise InputError(f"predict_proba takes samples of one task; found {', '.join(sorted(names)) or 'none'}.")
        columns = self.tasks[names.pop()].names
        return np.array([[prediction.distribution[name] for name in columns] for prediction in found])

    def predict_file(
        self,
        data: str | Path,
        out: str | Path,
        *,
        images: str | Path = ".",
        ocr: str | Path | None = None,
        engine: Literal["local", "ray"] = "local",
        workers: int | Literal["auto"] | None = None,
        columns: Columns = AS_KNOWN,
    ) -> Summary:
        """Predict a file of samples of any length; see `kdsl.ensemble.predict_file.predict_file`.

        Args:
            out: a file of JSON lines, or of Parquet where its name ends in `.parquet`.
            images: the folder that the pictures lie below; where `data` is a folder, that folder.
            ocr: a file of OCR results that exist already.
            engine: `ray` predicts on a cluster (docs/predicting.md).
            workers: processes. `auto` takes as many as this machine has use for. None: this process alone; for `ray`
                one per GPU or core.
            columns: as `fit` takes them; those that are not named are the fit's, as far as the file has them.
        """
        with self._lock:
            ocr_file = Path(ocr) if ocr else None
            chosen = self._engine(engine, workers)
            return predict_file(self.bundle, Path(data), Path(images), ocr_file, Path(out), chosen, columns)

    def predict_lines(
        self,
        data: str | Path,
        *,
        images: str | Path = ".",
        ocr: str | Path | None = None,
        columns: Columns = AS_KNOWN,
    ) -> Iterator[dict[str, Any]]:
        """Predict a file of samples, one after another: a line as `predict_file` writes it for each, kept nowhere."""
        with self._lock:
            ocr_file = Path(ocr) if ocr else None
            engine = self._engine("local", None)
            yield from predicted_lines(self.bundle, Path(data), Path(images), ocr_file, engine, columns)

    def _engine(self, engine: Literal["local", "ray"], workers: int | Literal["auto"] | None) -> Engine:
        if engine == "ray":
            from kdsl.ensemble.ray_engine import RayEngine

            return RayEngine(None if workers == "auto" else workers)
        here = in_this_process(lambda: self._predictor)
        return in_processes(self.bundle, None if workers == "auto" else workers, here) if workers else here

    def close(self) -> None:
        """Take the bundle's adapters off the models and delete the pictures that were handed in."""
        with self._lock:
            if predictor := self.__dict__.pop("_predictor", None):
                predictor.close()
            self._inbox.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reopen(self) -> None:
        """Read the bundle again, of which a rule book was changed."""
        with self._lock:
            server = self.bundle.config.large and self.bundle.config.large.server
            self.bundle = open_bundle(self.bundle.folder)
            self.bundle = self.bundle.behind(server) if server else self.bundle
            self.__dict__.pop("rules", None)
            if predictor := self.__dict__.get("_predictor"):
                predictor.reread_rules(self.bundle)

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor(self.bundle)

    def _observe(self, samples: Sequence[Sample]) -> list[Evidence]:
        inbox = Path(self._inbox.name)
        return observe(place(samples, self.bundle.tasks, inbox), inbox, self.bundle.config.evidence)


def check_models(config: Config, tasks: Sequence[Task]) -> None:
    """Check, before anything is read, that the large models of a fit can be trained here.

    Raises:
        KdslError: a package is not installed, or memory or a prompt's room is too small.
    """
    if not config.of_each_large:
        return
    require_models()
    from kdsl.models.task_checks import check_tasks
    from kdsl.training.memory import check_fit

    for name, memory in check_fit(config).items():
        log.info("memory of %s by estimate: %s", name, memory)
    check_tasks(tasks, config)


def _given(data: Data) -> list[Path] | list[Sample]:
    """Files as paths, or samples.

    Raises:
        InputError: both are there, or something else, or nothing is.
    """
    given = [data] if isinstance(data, str | Path | Sample) else listed(data, "data", "a file, or a list of samples")
    for one in given:
        if not isinstance(one, Sample | str | Path):
            raise InputError(
                f"`data` holds something of type {type(one).__name__}; give a file of samples, or samples made by "
                "`Sample.dialogue([text], label=label)` or `Sample.picture(path, label=label)`."
            )
    samples = [one for one in given if isinstance(one, Sample)]
    paths = [Path(one) for one in given if isinstance(one, str | Path)]
    if samples and paths:
        raise InputError("`data` mixes samples and files; give one or the other.")
    if not given:
        raise InputError("`data` is empty; give a file of samples, or the samples themselves.")
    return samples or paths


def _read(
    given: list[Path] | list[Sample], tasks: Sequence[Task], images: Path, inbox: Path, columns: Columns
) -> tuple[list[Sample], Path]:
    """Samples of files, or those handed in with their pictures put into `inbox`; and the folder of the pictures."""
    samples = [one for one in given if isinstance(one, Sample)]
    if samples:
        return place(samples, tasks, inbox), inbox
    paths = [one for one in given if isinstance(one, Path)]
    return read_files(paths, tasks, columns), picture_root(paths, images)


def place(samples: Sequence[Sample], tasks: Sequence[Task], inbox: Path) -> list[Sample]:
    """Samples with a task, an id, and their pictures as files in `inbox`, named by their content.

    Raises:
        InputError: a sample cannot be used; the message says which.
    """
    placed = []
    for number, sample in enumerate(samples, 1):
        if not isinstance(sample, Sample):
            raise InputError(
                f"sample {number} is of type {type(sample).__name__}; make samples by `Sample.dialogue([text])` "
                "or `Sample.picture(path)`."
            )
        id = sample.id or str(number)
        try:
            task = _task(sample, tasks)
            images = tuple(_place(picture, inbox) for picture in sample.pictures)
            if any(is_cut(turn.raw) for turn in sample.turns):
                log.warning("sample %s: %s", id, TOO_LONG)
            wanted = sum(turn.text.count(IMAGE) for turn in sample.turns)
            if wanted > len(images):
                raise InputError(f"the turns hold {wanted} {IMAGE}, and {len(images)} picture(s) are given.")
        except (InputError, OSError) as error:
            raise InputError(f"sample {id}: {error}") from error
        placed.append(replace(sample, id=id, task=task.name, images=images, pictures=()).marked(task))
    if len({sample.id for sample in placed}) < len(placed):
        raise InputError("two samples have the same id; ids must differ.")
    return placed


def _task(sample: Sample, tasks: Sequence[Task]) -> Task:
    if not sample.turns and not sample.pictures:
        raise InputError("has no turn and no picture; give one turn at least, which may be empty, or a picture.")
    kind = "dialogue" if sample.turns else "picture"
    if sample.task:
        task = task_by_name(tasks, sample.task)
        if task.input != kind:
            raise InputError(f"is a {kind}, and task '{task.name}' takes a {task.input}.")
        return task
    fitting = [task for task in tasks if task.input == kind]
    if len(fitting) != 1:
        have = ", ".join(f"{task.name} ({task.input})" for task in tasks)
        found = "several tasks take" if fitting else "no task takes"
        raise InputError(f"{found} a {kind}; name one by `task`. There are: {have}.")
    return fitting[0]


def _place(picture: Path | bytes | Image, inbox: Path) -> str:
    """Write a picture to a file that is named by its content; the name."""
    if isinstance(picture, Path):
        if not picture.is_file():
            raise InputError(f"picture '{picture}' does not exist or is no file.")
        content = picture.read_bytes()
    elif isinstance(picture, bytes):
        content = picture
    else:
        stream = io.BytesIO()
        picture.save(stream, "PNG")
        content = stream.getvalue()
    name = hashlib.sha256(content).hexdigest()[:32]
    if not (inbox / name).exists():
        atomic_write(inbox / name, content)
    return name
