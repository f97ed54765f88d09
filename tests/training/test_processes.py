"""Several processes: real launches of two on the CPU, over gloo; what each config of accelerate says; refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from accelerate.commands.config.config_args import load_config_from_file
from click.testing import CliRunner
from helpers.tiny_models import tiny_evidence, tiny_folder
from helpers.trainings import losses_of
from safetensors.torch import load_file

from kdsl.cli.main import cli
from kdsl.config import Config, ModelConfig
from kdsl.errors import BundleError, ConfigError
from kdsl.models.adapters import load_adapter
from kdsl.models.base import LoadedModel, load_base
from kdsl.models.scorer import LabelScorer
from kdsl.models.shape import read_shape
from kdsl.processes import method, shards_weights, world_size
from kdsl.tasks import Task
from kdsl.training.lora import check_launch
from kdsl.training.memory import training_memory

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs" / "accelerate"
LAUNCHED = str(Path(__file__).parents[1] / "helpers" / "launched.py")
Load = Callable[..., LoadedModel]


class Shop:
    """Twelve dialogues of two intents, some with a picture, and a tiny model: three steps of four samples per epoch."""

    def __init__(self, folder: Path) -> None:
        self.model = ModelConfig(source=str(tiny_folder(folder / "model")), device="cpu")
        asked = (("壶会生锈吗", "是否会生锈"), ("裙子掉色吗", "是否易褪色"))
        self.evidences = [
            tiny_evidence(
                folder,
                f"s{i}",
                sizes=((60, 90),)[: i % 3],
                turns=(("user", asked[i % 2][0] + "，请问" * (i // 4)),),
                label=asked[i % 2][1],
            )
            for i in range(12)
        ]
        rows = [
            {
                "id": e.sample.id,
                "instruction": f"用户: {e.sample.turns[0].text}" + "<image>" * len(e.pictures),
                "output": e.sample.label,
                "image": list(e.sample.images),
            }
            for e in self.evidences
        ]
        ocr = [{"image": p.name, "width": 60, "height": 90, "lines": []} for e in self.evidences for p in e.pictures]
        (folder / "train.json").write_text(json.dumps(rows), "utf-8")
        (folder / "ocr.jsonl").write_text("\n".join(map(json.dumps, ocr)), "utf-8")
        training = {"epochs": 2, "batch_size": 2, "lora_r": 2, "lora_dropout": 0, "save_every": 2, "search": None}
        settings = {
            "extends": "configs/nano.yaml",
            "large": self.model.model_dump(exclude={"device"}),
            "training": training | {"learning_rate": 1e-2},
            "prompt": {"max_tokens": 128, "max_pixels": 3136},
        }
        (folder / "tiny.yaml").write_text(json.dumps(settings), "utf-8")  # JSON is YAML
        self.command = [
            "train-large",
            "--data",
            str(folder / "train.json"),
            "--images",
            str(folder),
            "--task",
            "intent",
        ]
        self.command += ["--ocr", str(folder / "ocr.jsonl"), "--config", str(folder / "tiny.yaml")]

    def launch(self, config: str, *arguments: str, out: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """The command in two processes, as a user launches it."""
        script = [LAUNCHED] if environment else ["-m", "kdsl"]
        own = {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        launcher = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(CONFIGS / config)]
        return subprocess.run(
            [*launcher, "--main_process_port", "0", *script, *self.command, "--out", str(out), *arguments],
            env=os.environ | own | environment,
            capture_output=True,
            text=True,
            timeout=900,
        )

    def alone(self, out: Path, *arguments: str) -> Path:
        """The command in this process, with batches of both processes' samples."""
        settings = ("--set", "training.batch_size=4", *arguments)
        result = CliRunner().invoke(cli, [*self.command, "--out", str(out), *settings])
        assert result.exit_code == 0, result.output
        return out / "adapters" / "intent"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def alone(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop.alone(tmp_path_factory.mktemp("alone"))


def _same(folder: Path, other: Path, file: str = "adapter_model.safetensors") -> None:
    assert losses_of(folder) == pytest.approx(losses_of(other), abs=1e-4)
    mine, theirs = load_file(folder / file), load_file(other / file)
    assert mine.keys() == theirs.keys()
    for name, tensor in theirs.items():
        torch.testing.assert_close(mine[name], tensor, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_two_processes_killed_and_resumed_learn_what_one_learns_and_choose_its_half_epoch(
    shop: Shop, intent: Task, tmp_path: Path
) -> None:
    rows = json.loads(Path(shop.command[2]).read_text("utf-8"))
    dev = [row | {"id": f"dev-{row['id']}"} for row in rows[:4]]
    (tmp_path / "dev.json").write_text(json.dumps(dev), "utf-8")
    valid = ("--valid", str(tmp_path / "dev.json"))
    kept, out = shop.alone(tmp_path / "alone", *valid), tmp_path / "two"
    cut = shop.launch("ddp.yaml", *valid, out=out, KILL_AT="5")
    assert cut.returncode != 0
    folder = out / "adapters" / "intent"
    assert not (folder / "manifest.json").exists()
    assert [path.name for path in out.rglob("checkpoint-4")] == ["checkpoint-4"], cut.stderr  # in the second epoch
    whole = shop.launch("ddp.yaml", *valid, out=out)
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.count(str(folder)) == 1  # the main process alone speaks
    _same(folder, kept)
    tables = [(tmp_path / name / "report" / "adaptation-intent.csv").read_text("utf-8") for name in ("alone", "two")]
    assert tables[0] == tables[1]
    assert sorted(path.name for path in out.iterdir()) == ["adapters", "report"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "kdsl_base.json",
        "logs",
        "loss.jsonl",
        "manifest.json",
    ]
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["processes"] == 2
    loaded = load_base(shop.model)
    scorer = LabelScorer(loaded, intent, Config().prompt)
    bare = scorer.score(shop.evidences[:2])
    load_adapter(loaded, folder, "intent")
    with loaded.using("intent"):
        assert (scorer.score(shop.evidences[:2]) != bare).any()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fsdp", "zero2", "zero3"])
def test_what_is_dealt_out_learns_the_same_and_is_written_whole(
    how: str, shop: Shop, alone: Path, tmp_path: Path
) -> None:
    if how.startswith("zero"):
        pytest.importorskip("deepspeed")
    pretence = {"AS_GPU": "1", "DS_ACCELERATOR": "cpu"}
    cut = shop.launch(f"{how}.yaml", out=tmp_path, KILL_AT="5", **pretence)
    assert cut.returncode != 0
    folder = tmp_path / "adapters" / "intent"
    assert (folder / "checkpoints" / "checkpoint-4" / "trainer_state.json").is_file(), cut.stderr
    whole = shop.launch(f"{how}.yaml", out=tmp_path, **pretence)
    assert whole.returncode == 0, whole.stderr
    _same(folder, alone)


@pytest.mark.parametrize("name", ["ddp", "fsdp", "zero2", "zero3"])
def test_configs_are_what_accelerate_and_kdsl_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils.launch import prepare_deepspeed_cmd_env, prepare_multi_gpu_env

    file = str(CONFIGS / f"{name}.yaml")
    assert load_config_from_file(file).num_processes == 2
    given = ["--config_file", file, "--num_processes", "8", "--main_process_port", "0", "-m", "kdsl", "train-large"]
    arguments, *_ = _validate_launch_command(launch_command_parser().parse_args(given))
    assert arguments.num_processes == 8
    if name.startswith("zero"):
        arguments.deepspeed_fields_from_accelerate_config = ""
        environment = prepare_deepspeed_cmd_env(arguments)[1]
    else:
        environment = prepare_multi_gpu_env(arguments)
    for key in environment.keys() - os.environ.keys():
        monkeypatch.setenv(key, environment[key])
    assert method() == name
    assert shards_weights() == (name in ("fsdp", "zero3"))


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the second of two processes; nothing that talks to the first may be called."""
    for name, value in {"LOCAL_RANK": "1", "RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("command", ["fit", "experiment", "distill-rules", "predict"])
def test_other_commands_are_refused_under_a_launch(command: str) -> None:
    assert world_size() == 2
    result = CliRunner().invoke(cli, [command])
    assert isinstance(result.exception, ConfigError)
    assert f"`kdsl {command}` runs in one process" in str(result.exception)


@pytest.mark.usefixtures("two")
def test_a_process_says_nothing_unless_it_is_the_main_one(capsys: pytest.CaptureFixture[str]) -> None:
    from kdsl.progress import say, show_messages

    show_messages()
    say("hello")
    assert capsys.readouterr().err == ""


def test_what_is_dealt_out_trains_one_adapter_of_whole_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    check_launch(ModelConfig(), 2)
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(ConfigError, match="fsdp_version: 2"):
        check_launch(ModelConfig(), 1)
    monkeypatch.setenv("FSDP_VERSION", "2")
    check_launch(ModelConfig(), 1)
    with pytest.raises(ConfigError, match="one launch does one training, not 2"):
        check_launch(ModelConfig(), 2)
    with pytest.raises(ConfigError, match="cannot score held-out samples"):
        check_launch(ModelConfig(), 1, choosing=True)
    with pytest.raises(ConfigError, match="4 bits"):
        check_launch(ModelConfig(quantize="4bit"), 1)


@pytest.mark.usefixtures("two")
def test_a_machine_that_does_not_see_the_main_ones_files_or_has_other_data_is_refused(tmp_path: Path) -> None:
    from kdsl.training.folder import Run

    run = Run(tmp_path)

    with pytest.raises(BundleError, match="process 1 of the launch does not see"):
        run.check_claimed({"data": "a"})
    (tmp_path / "inputs.json").write_text('{"data": "b"}', "utf-8")
    with pytest.raises(BundleError, match=r"other inputs than process 0 \(these differ: data\)"):
        run.check_claimed({"data": "a"})


def test_memory_of_one_gpu_falls_as_weights_are_dealt_out(shop: Shop) -> None:
    config = Config(large=shop.model)
    shape = read_shape(shop.model)
    alone = training_memory(config, shape).parts

    def parts(how: str) -> dict[str, int]:
        return training_memory(config, shape, processes=4, how=how).parts

    assert parts("ddp")["weights"] == alone["weights"]
    assert parts("ddp")["gradient buckets"] * 4 == alone["trained"]
    assert alone["trained"] / 4 < parts("zero2")["trained"] < alone["trained"]
    assert parts("zero3")["trained"] == parts("fsdp")["trained"] == alone["trained"] // 4
    large = Config(large=shop.model)
    whole = 4 * (shape.vision + shape.embeddings + 2 * shape.layer)
    assert parts("fsdp")["weights"] == whole + training_memory(large, shape).parts["weights"] // 4
    assert parts("zero3")["weights"] >= alone["weights"]
