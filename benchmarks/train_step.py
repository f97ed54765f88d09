"""Samples a second and peak memory of LoRA training: kdsl beside trl's SFTTrainer and LLaMA-Factory.

    python benchmarks/train_step.py --threads 1
    python benchmarks/train_step.py --threads 1 --shape thirteenth
    python benchmarks/train_step.py --threads 1 --llama-factory ENVIRONMENT/bin/python
    python benchmarks/train_step.py --config configs/qwen2-vl-7b.yaml --shape qwen2-vl-7b   # a GPU

All sides train the same adapter (rank, targets, batch, epochs, steps, precision, checkpointing: the config's) on the
same weights and the same prompts about samples of the synthetic world. The others are handed what kdsl works out
itself: prompts that fit the limit, so that all of them read the same tokens. All read pictures that were brought to
the size that is shown. trl's SFTTrainer is set up as its documentation does for vision-language models (prompt,
completion and images columns, its own collator), LLaMA-Factory by the settings of its own examples. With `--shape`
the weights are random.

Everybody's time is that of the steps after the first, which warms up. kdsl's has besides what it does once and the
others at every step: all pictures decoded and put through the vision tower. Loading the model,
tokenisation that comes before the first step, and writing the adapter are in nobody's time. The others learn
the line break after the answer's turn too, one token more.

Each run has a process of its own; the sides take turns; printed are the medians over the rounds. On a CPU with one
thread the time is the processor's, which other work on the machine does not lengthen. The share of the matrix-product
rate is 4 x weights of the language model's linear layers x tokens (forward, and gradients of the inputs; frozen weights
have none of their own) over the rate measured on a product of square matrices in the same precision: attention, the
vision tower, the vocabulary and anything computed twice are left out, and so is the last layer's feed-forward, which
kdsl computes at the answers alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import torch
from measuring import clock, peak_mib, timed_steps
from PIL import Image
from shapes import SHAPES, random_model, write_shape

from kdsl.config import Config
from kdsl.config_file import load_config, load_tasks
from kdsl.evidence.observe import load_evidence
from kdsl.evidence.types import Evidence, Picture
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.features import picture_features
from kdsl.models.shape import shape_of
from kdsl.tasks import Task
from kdsl.training.examples import make_examples
from kdsl.training.folder import Run
from kdsl.training.job import TrainingJob
from kdsl.training.lora import train_adapter
from kdsl.training.regimes import target_modules
from kdsl.training.trainer import training_arguments
from kdsl.world.files import write_world

T = TypeVar("T")
SEED = 17
LLAMA_FACTORY = "LLaMA-Factory"


@dataclass(frozen=True)
class Job:
    """What every side trains on: `folder` holds world/, rows.json (prompt, answer, images) and shown/."""

    folder: Path
    config: Config
    task: Task
    threads: int | None

    def load(self) -> LoadedModel:
        """The model, in this process."""
        torch.set_num_threads(self.threads or torch.get_num_threads())
        return load_base(self.config.large)

    def evidences(self) -> list[Evidence]:
        """The samples as kdsl sees them."""
        world = self.folder / "world"
        return load_evidence(
            [world / "train.json"], world / "images", [self.task], self.config.evidence, world / "ocr.jsonl"
        )

    def shown(self, evidences: Sequence[Evidence]) -> list[Evidence]:
        """The same with the pictures that are shown at the size in which they are, as the others read them."""

        def small(picture: Picture) -> Picture:
            path = self.small(picture.path)
            if not path.exists():
                return picture
            with Image.open(path) as image:
                return replace(picture, path=path, width=image.width, height=image.height)

        return [replace(e, pictures=tuple(map(small, e.pictures))) for e in evidences]

    def small(self, picture: Path) -> Path:
        """Where a picture lies at the size in which it is shown."""
        return self.folder / "shown" / f"{picture.stem}.png"

    def rows(self) -> list[dict[str, Any]]:
        """The samples as the others are given them."""
        rows: list[dict[str, Any]] = json.loads((self.folder / "rows.json").read_text("utf-8"))
        return rows


@dataclass(frozen=True)
class Prepared:
    """What the sides have before them.

    Attributes:
        tokens: of a sample, on average.
        rate: floating-point operations a second of a product of matrices.
        work: floating-point operations that a sample asks for at least.
    """

    device: str
    parameters: int
    samples: int
    tokens: float
    rate: float
    work: float


@dataclass(frozen=True)
class Measured:
    """One training: seconds of its steps after the first, the process's peak memory."""

    seconds: float
    mib: float


def prepare(job: Job, per_label: int, llama_factory: bool = False) -> Prepared:
    """Draw the samples and write what the sides read."""
    write_world(job.folder / "world", per_label, SEED, [job.task], workers=1)
    (job.folder / "shown").mkdir()
    evidences, loaded = job.evidences(), job.load()
    examples = make_examples(loaded, evidences, {job.task.name: job.task}, job.config.prompt)
    rows = []
    for evidence, example in zip(evidences, examples, strict=True):
        prompt = example.prompt
        files = [str(job.small(shown.picture.path)) for shown in prompt.pictures]
        for file, image in zip(files, prompt.images, strict=True):
            image.save(file)
        text = prompt.prefix + prompt.context + prompt.question
        rows.append({"prompt": text, "answer": evidence.sample.label, "images": files})
    (job.folder / "rows.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    if llama_factory:
        _write_llama_factory(job, loaded, job.folder / LLAMA_FACTORY)
    tokens, shape = statistics.mean(len(example) for example in examples), shape_of(loaded.model)
    last = loaded.model.model.language_model.layers[-1].mlp
    idle = sum(part.weight.numel() for part in last.modules() if isinstance(part, torch.nn.Linear))
    work = 4 * (shape.linear_weights - idle) * tokens
    return Prepared(str(loaded.device), loaded.n_parameters, len(rows), tokens, matrix_rate(loaded), work)


def run_kdsl(job: Job) -> Measured:
    """`train_adapter`, and before it, on the clock too, the pictures that it looks at once."""
    loaded, evidences = job.load(), job.shown(job.evidences())
    features = picture_features(loaded)
    examples = make_examples(loaded, evidences, {job.task.name: job.task}, job.config.prompt)
    start = clock(loaded.device)
    for example in examples:
        if example.prompt.pictures:
            features.of(example.prompt)
    once = clock(loaded.device) - start
    with tempfile.TemporaryDirectory() as folder, timed_steps(loaded.device) as steps:
        train_adapter(TrainingJob(loaded, evidences, [job.task], job.config), Run(Path(folder) / "adapter"))
    return Measured(once + steps.seconds, peak_mib(loaded.device))


def trl_parts(job: Job, loaded: LoadedModel, folder: Path) -> dict[str, Any]:
    """What SFTTrainer is built from: the processor, and a dataset of prompts, completions and images."""
    import datasets
    from peft import LoraConfig
    from trl import SFTConfig

    rows, training = job.rows(), job.config.training
    dataset = datasets.Dataset.from_dict(
        {
            "prompt": [[{"role": "user", "content": row["prompt"]}] for row in rows],
            "completion": [[{"role": "assistant", "content": row["answer"]}] for row in rows],
            "images": [row["images"] for row in rows],
        }
    ).cast_column("images", datasets.Sequence(datasets.Image()))
    arguments = SFTConfig(
        output_dir=str(folder),
        completion_only_loss=True,
        max_length=None,
        gradient_checkpointing=training.gradient_checkpointing,
        report_to="none",
        disable_tqdm=True,
        **_shared_arguments(job, loaded, folder),
    )
    lora = LoraConfig(
        r=training.lora_r,
        lora_alpha=training.lora_alpha,
        lora_dropout=training.lora_dropout,
        target_modules=target_modules(loaded.model),
        exclude_modules=r".*\bvisual\b.*",
        task_type="CAUSAL_LM",
    )
    return {
        "model": loaded.model,
        "args": arguments,
        "train_dataset": dataset,
        "processing_class": loaded.processor,
        "peft_config": lora,
    }


def run_trl(job: Job) -> Measured:
    """SFTTrainer with its own collator."""
    from trl import SFTTrainer

    loaded = job.load()
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr), timed_steps(loaded.device) as steps:
        SFTTrainer(**trl_parts(job, loaded, Path(folder))).train()
    return Measured(steps.seconds, peak_mib(loaded.device))


def _shared_arguments(job: Job, loaded: LoadedModel, folder: Path) -> dict[str, Any]:
    """Settings of kdsl's own trainer that the others take by the same names."""
    ours = training_arguments(folder, loaded, job.config.training, SEED, len(job.rows()))
    names = (
        "num_train_epochs per_device_train_batch_size gradient_accumulation_steps learning_rate weight_decay "
        "warmup_steps lr_scheduler_type logging_steps seed bf16 fp16 use_cpu"
    )
    return {name: getattr(ours, name) for name in names.split()}


_SCRIPT = """
import json, sys
import torch
from llamafactory.train.tuner import run_exp
sys.path.insert(0, sys.argv[1])
from measuring import peak_mib, timed_steps
with open(sys.argv[2]) as file:
    arguments = json.load(file)
device = torch.device(sys.argv[3])
torch.set_num_threads(int(sys.argv[4]))
with timed_steps(device) as steps:
    run_exp(arguments)
with open(sys.argv[5], "w") as file:
    json.dump([steps.seconds, peak_mib(device)], file)
"""


def _write_llama_factory(job: Job, loaded: LoadedModel, folder: Path) -> None:
    """The model, the samples and the settings (arguments.json) of LLaMA-Factory."""
    training = job.config.training
    model = folder / "model"  # in the precision of the run: it trains in the one that the weights were saved in
    loaded.model.save_pretrained(model)
    loaded.processor.save_pretrained(model)
    rows = [
        {
            "messages": [
                {"role": "user", "content": "<image>" * len(row["images"]) + row["prompt"]},
                {"role": "assistant", "content": row["answer"]},
            ],
            "images": row["images"],
        }
        for row in job.rows()
    ]
    (folder / "rows.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    columns = {"messages": "messages", "images": "images"}
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    info = {"rows": {"file_name": "rows.json", "formatting": "sharegpt", "columns": columns, "tags": tags}}
    (folder / "dataset_info.json").write_text(json.dumps(info), "utf-8")
    arguments = {
        "stage": "sft",
        "do_train": True,
        "model_name_or_path": str(model),
        "template": "qwen2_vl",
        "default_system": "",
        "finetuning_type": "lora",
        "lora_rank": training.lora_r,
        "lora_alpha": training.lora_alpha,
        "lora_dropout": training.lora_dropout,
        "lora_target": ",".join(target_modules(loaded.model)),
        "freeze_vision_tower": True,
        "dataset": "rows",
        "dataset_dir": str(folder),
        "cutoff_len": 2 * job.config.prompt.max_tokens,  # nothing is cut
        "image_min_pixels": loaded.factor**2,
        "image_max_pixels": job.config.prompt.max_pixels,
        "disable_gradient_checkpointing": not training.gradient_checkpointing,
        "report_to": "none",
        "output_dir": str(folder / "out"),
        "overwrite_output_dir": True,
        **_shared_arguments(job, loaded, folder),
        "lr_scheduler_type": "cosine",
    }
    (folder / "arguments.json").write_text(json.dumps(arguments), "utf-8")


def run_llama_factory(job: Job, device: str, python: Path) -> Measured:
    """LLaMA-Factory's `run_exp` in the environment of `python`, which needs no kdsl."""
    folder = job.folder / LLAMA_FACTORY
    out = folder / "measured.json"
    threads = job.threads or torch.get_num_threads()
    script = [python, "-c", _SCRIPT, Path(__file__).parent, folder / "arguments.json", device, str(threads), out]
    subprocess.run(script, check=True, env={**os.environ, "PYTHONPATH": ""}, stdout=sys.stderr)
    return Measured(*json.loads(out.read_text("utf-8")))


SIDES: dict[str, Callable[[Job], Measured]] = {"kdsl": run_kdsl, "trl": run_trl}


def matrix_rate(loaded: LoadedModel) -> float:
    """Floating-point operations a second of a product of square matrices, the best of several."""
    n, device = (8192 if loaded.device.type == "cuda" else 1024), loaded.device
    left, right = (torch.randn(n, n, device=device, dtype=loaded.dtype) for _ in range(2))
    times = []
    for _ in range(12):
        start = clock(device)
        left @ right
        times.append(clock(device) - start)
    return 2 * n**3 / min(times)


def main() -> None:
    """Measure and print one table."""
    args = _arguments()
    config = load_config(args.config, args.set)
    task = next(task for task in load_tasks(config) if task.name == args.task)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.shape:
            source = folder / args.shape
            _apart(_write_model, args.shape, source, config.large.dtype)
            config = config.model_copy(update={"large": config.large.model_copy(update={"source": str(source)})})
        job = Job(folder, config, task, args.threads)
        made = _apart(prepare, job, args.per_label, args.llama_factory is not None)
        training = config.training
        batch = training.batch_size * training.gradient_accumulation
        print(
            f"{args.shape or config.large.source}, {made.parameters / 1e6:.0f} M parameters, {config.large.dtype}, "
            f"{made.device}, {args.threads or torch.get_num_threads()} threads; task {task.name}: {made.samples} "
            f"samples of {made.tokens:.0f} tokens on average, {training.epochs:g} epochs, {batch} samples per step in "
            f"batches of {training.batch_size}, LoRA r={training.lora_r}; medians of {args.rounds} rounds; matrix "
            f"products at {made.rate / 1e9:.0f} GFLOP/s\n"
        )
        runs: dict[str, list[Measured]] = {}
        for _ in range(args.rounds):
            for side, run in SIDES.items():
                _note(runs, f"{side} {version(side)}", _apart(run, job))
            if args.llama_factory:
                _note(runs, LLAMA_FACTORY, run_llama_factory(job, made.device, args.llama_factory))
    _print(runs, training.epochs * made.samples - batch, made.work / made.rate)


def _write_model(shape: str, folder: Path, dtype: str) -> None:
    random_model(write_shape(shape, folder), dtype, "auto").model.save_pretrained(folder)


def _apart(function: Callable[..., T], *args: Any) -> T:
    """Call in a process of its own, which keeps no memory afterwards."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def _note(runs: dict[str, list[Measured]], side: str, measured: Measured) -> None:
    """Keep a run, and say it at once: a long benchmark may be stopped."""
    runs.setdefault(side, []).append(measured)
    print(f"{side}: {measured.seconds:.1f} s, {measured.mib:.0f} MiB", file=sys.stderr)


def _print(runs: dict[str, list[Measured]], samples: float, least: float) -> None:
    """The table; `least` is the seconds that a sample's counted products take at the measured rate."""
    rates = {name: samples / statistics.median(run.seconds for run in each) for name, each in runs.items()}
    peaks = {name: statistics.median(run.mib for run in each) for name, each in runs.items()}
    ours = next(iter(runs))
    print("| | samples per second | kdsl over it | peak MiB | kdsl over it | share of the matrix-product rate |")
    print("|---|---|---|---|---|---|")
    for name in runs:
        print(
            f"| {name} | {rates[name]:.2f} | {rates[ours] / rates[name]:.2f} | {peaks[name]:.0f} "
            f"| {peaks[ours] / peaks[name]:.2f} | {least * rates[name]:.0%} |"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--config", default="configs/nano.yaml", help="prompts and training as in this file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    parser.add_argument("--shape", choices=SHAPES, help="a random model of this shape instead of large.source")
    parser.add_argument("--task", default="intent")
    parser.add_argument("--per-label", type=int, default=2, help="samples of each of the task's labels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--llama-factory", type=Path, metavar="PYTHON", help="interpreter that has llamafactory")
    return parser.parse_args()


if __name__ == "__main__":
    main()
