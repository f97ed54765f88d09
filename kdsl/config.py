"""Configuration: YAML with `extends`, then overrides `key.path=value`; every fault is reported at once.

A config file names everything a run depends on; paths in it are relative to the file itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kdsl.errors import ConfigError, InputError
from kdsl.resources import resource
from kdsl.tasks import Task, load_task

_PATHS = (("knowledge", "snippets"), ("training", "augment", "synonyms"))
"""Settings that name one file or folder."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelConfig(_Part):
    """Which weights a role loads, and how."""

    source: str = "kdsl-nano"
    """`kdsl-nano` (embedded), a local folder, or a hub id such as `Qwen/Qwen2-VL-7B-Instruct`."""
    hub: Literal["huggingface", "modelscope"] = "huggingface"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str = "auto"
    """`auto` takes the first GPU, else the CPU."""
    quantize: Literal["none", "4bit"] = "none"
    """`4bit`: the language model's linear layers as NF4 (QLoRA); wants `kdsl[gpu]`."""
    attention: Literal["sdpa", "flash_attention_2", "eager"] = "sdpa"
    """Attention kernels of training; scoring takes `sdpa` where `flash_attention_2` is asked for (docs/gpu.md)."""


class EvidenceConfig(_Part):
    """How pictures are read."""

    ocr: Literal["rapidocr", "paddleocr"] = "rapidocr"
    min_score: float = Field(0.5, ge=0, le=1)
    """OCR lines below this confidence are dropped."""
    max_side: int = Field(1280, ge=64)
    """Longest side, in pixels, of the picture that text detection sees."""
    max_megapixels: float = Field(100, gt=0)
    """Larger pictures are refused before they are decoded."""


class PromptConfig(_Part):
    """How evidence becomes a prompt. Limits are kept by dropping whole lines, turns or pictures."""

    max_tokens: int = Field(160, ge=32)
    """Tokens of one prompt, the pictures' included (docs/nano.md: why so few for nano)."""
    dialogue_tokens: int | None = Field(None, ge=32)
    """Instead, for tasks whose input is a dialogue."""
    max_pixels: int = Field(25088, ge=784)
    """Pixels of one sample, shared by its pictures (one picture token stands for 28 x 28 of them)."""
    list_labels: bool = False
    """Name all labels in the question (large models want it; nano is taught without)."""
    ocr: bool = True
    """Put the pictures' text into the prompt."""

    def limit(self, task: Task) -> int:
        """Tokens of a prompt of this task."""
        return self.dialogue_tokens or self.max_tokens if task.input == "dialogue" else self.max_tokens


class AugmentConfig(_Part):
    """Augmented copies of training samples."""

    policy: Literal["none", "rare", "all"] = "none"
    """`rare` fills classes up to the median class of their task; `all` copies each sample once besides."""
    text: bool = True
    """Change words and order of dialogues, and misread OCR lines."""
    pictures: bool = True
    """Crop, turn and recolour pictures."""
    synonyms: str = Field(default_factory=lambda: str(resource("configs/synonyms/customer-service.yaml")))
    """Words that may be exchanged or left out; by default those that ship with kdsl."""


class SearchConfig(_Part):
    """What few-shot adaptation chooses among, besides half epochs up to `training.epochs`."""

    ranks: tuple[int, ...] = Field((16,), min_length=1)
    """LoRA ranks; alpha keeps its ratio to the rank."""
    augment: tuple[Literal["none", "rare", "all"], ...] = Field(("none", "rare"), min_length=1)
    """Policies of `training.augment`."""


class TrainingConfig(_Part):
    """One adapter per task (or one for all): what is trained, and how."""

    strategy: Literal["separate", "joint"] = "separate"
    regime: Literal["lora", "freeze", "full"] = "lora"
    """`lora`: an adapter beside the frozen base; `freeze`: its last `last_layers` decoder layers; `full`: the whole
    language model. The vision tower is never trained."""
    last_layers: int = Field(25, ge=1)
    """Decoder layers that `freeze` trains, counted from the last."""
    ocr: bool | None = None
    """Put the pictures' text into the prompts of training; by default as `prompt.ocr` says, which holds elsewhere."""
    lora_r: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    lora_dropout: float = Field(0.05, ge=0, lt=1)
    epochs: float = Field(4, gt=0)
    """Epochs of the learning-rate schedule."""
    stop: float | None = Field(None, gt=0)
    """Epochs after which training ends within that schedule; what `search` chooses."""
    batch_size: int = Field(8, ge=1)
    """Samples in one forward pass."""
    gradient_accumulation: int = Field(1, ge=1)
    learning_rate: float = Field(5e-4, gt=0)
    warmup_ratio: float = Field(0.05, ge=0, lt=1)
    weight_decay: float = Field(0.01, ge=0)
    save_every: int = Field(50, ge=1)
    """Optimizer steps between checkpoints; a killed run resumes from the last one."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them: less memory, more time."""
    balance: Literal["none", "sqrt", "uniform"] = "none"
    """How often a class is drawn in an epoch: as often as it occurs, by the square root of that, or all alike."""
    logit_adjustment: float = Field(0, ge=0)
    """This times the log-prior of the labels in training is taken off their scores (docs/gpu.md); 0 leaves them."""
    report_to: Literal["tensorboard", "wandb", "none"] = "tensorboard"
    """Where `kdsl train-large` and `train-small` report curves besides loss.jsonl; `kdsl fit` reports nowhere."""
    augment: AugmentConfig = AugmentConfig()
    search: SearchConfig | None = None
    """Choose rank, augmentation and epochs by cross-validation over the inner folds; absent, the recipe is fixed."""


class StudentConfig(_Part):
    """The student: an adapter on the small model, taught by the large one (settings of its training: `training`)."""

    train: bool = False
    """Whether `kdsl fit` trains it, for the small model's verdict in call 3."""
    alpha: float = Field(0.5, ge=0, le=1)
    """Share of the teacher's distributions in the loss; the rest is the gold labels'."""
    temperature: float = Field(2.0, gt=0)
    """Softens teacher and student alike."""


class RulesConfig(_Part):
    """Cue mining and the tree search."""

    max_cues: int = Field(400, ge=10)
    """Size of the cue vocabulary of one label."""
    min_support: int = Field(2, ge=1)
    """A literal must hold in this many training samples."""
    max_literals: int = Field(3, ge=1)
    simulations: int = Field(240, ge=1)
    """Tree-search simulations a label, shared by its rules; more find rules that fit the training samples better,
    and unseen ones no better."""
    rules_per_label: int = Field(16, ge=1)
    occlusion_samples: int = Field(400, ge=0)
    """Samples on which the small model is asked what it loses when a unit is hidden; 0 = uniform prior."""
    occlusion_units: int = Field(6, ge=1)
    """Units hidden a sample."""


class EncodersConfig(_Part):
    """Pretrained models that turn texts into vectors, for the semantic expert."""

    text: str | None = "use-multilingual-v3"
    """`use-multilingual-v3` (16 languages, comes with kdsl), or the name of a sentence-transformers model; `null`: no
    semantic expert."""


class KnowledgeConfig(_Part):
    """Snippets, labelled samples and their index."""

    snippets: str = Field(default_factory=lambda: str(resource("knowledge_base")))
    """Folder of YAML files with snippets; by default those that ship with kdsl."""
    embedder: str = "char-ngram"
    """`char-ngram` (embedded), or what `encoders.text` may be."""
    neighbours: int = Field(12, ge=1)
    """Documents fetched a query."""
    imagined_per_label: int = Field(200, ge=0)
    """Samples a label of the synthetic world that retrieval and the lexical expert use beside the labelled ones."""


class BudgetConfig(_Part):
    """Limits of one sample (rules of the WWW2025 MIRE challenge)."""

    max_calls: int = Field(3, ge=1)
    max_output_tokens: int = Field(100, ge=1)
    max_parameters: float = Field(10e9, gt=0)


class EnsembleConfig(_Part):
    """Fusion, router and budget."""

    inner_folds: int = Field(2, ge=2)
    """Folds of the training part whose out-of-fold scores fusion is fitted on."""
    shortlist: int = Field(5, ge=2)
    """Labels that a second call scores again."""
    route_rate: float = Field(0.3, ge=0, le=1)
    """Share of samples, those of smallest margin, that the router sends to further calls."""
    target_accuracy: float = Field(0.9, gt=0, le=1)
    """Predictions below the probability that reached this accuracy out of fold say 'ask a person'."""
    budget: BudgetConfig = BudgetConfig()


class Config(_Part):
    """All of a run."""

    seed: int = 17
    tasks: tuple[str, ...] = Field(
        default_factory=lambda: tuple(str(resource(f"configs/tasks/mire-{name}.yaml")) for name in ("scene", "intent")),
        min_length=1,
    )
    """Task files; by default those of the MIRE challenge."""
    large: ModelConfig | None = ModelConfig()
    """The model that adapters are trained on; without one (`null`), the other experts predict and no call is made."""
    small: ModelConfig | None = ModelConfig()
    """The model that guides the search for rules and gives a verdict in call 3; `null`: neither."""
    evidence: EvidenceConfig = EvidenceConfig()
    prompt: PromptConfig = PromptConfig()
    training: TrainingConfig = TrainingConfig()
    student: StudentConfig = StudentConfig()
    rules: RulesConfig = RulesConfig()
    encoders: EncodersConfig = EncodersConfig()
    knowledge: KnowledgeConfig = KnowledgeConfig()
    ensemble: EnsembleConfig = EnsembleConfig()

    def model(self, role: Literal["large", "small"]) -> ModelConfig:
        """The model of a role, for what cannot do without it.

        Raises:
            ConfigError: the config has none.
        """
        found: ModelConfig | None = getattr(self, role)
        if found is None:
            raise ConfigError(f"this needs a {role} model, and the config has none ('{role}: null').")
        return found


def find_config(path: str | Path) -> Path:
    """A config file as given, or the one that ships with kdsl under that name ('configs/nano.yaml')."""
    given = Path(path)
    if given.is_file():
        return given
    try:
        return resource(str(path))
    except InputError:
        shipped = ", ".join(sorted(f"configs/{p.name}" for p in resource("configs").glob("*.yaml")))
        raise ConfigError(f"config file '{path}' does not exist; shipped: {shipped}.") from None


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a config file, what it `extends`, and `key.path=value` overrides; paths become absolute.

    Raises:
        ConfigError: with one line for every fault found.
    """
    file = find_config(path)
    raw = _read(file, ())
    faults: list[str] = []
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            faults.append(f"override '{override}': expected key.path=value")
            continue
        node = raw
        *parents, leaf = key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                faults.append(f"override '{override}': '{parent}' is a value, not a section")
                break
        else:
            try:
                node[leaf] = yaml.safe_load(value)
            except yaml.YAMLError as error:
                faults.append(f"override '{override}': the value is not YAML: {error}")
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        faults += [_fault(dict(fault)) for fault in error.errors()]
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise ConfigError(f"{file}: {len(faults)} fault(s):\n{listed}")
    return config


def load_tasks(config: Config) -> list[Task]:
    """The tasks that a config names, in its order."""
    tasks = [load_task(Path(name)) for name in config.tasks]
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise ConfigError(f"two task files have the same name: {', '.join(names)}")
    return tasks


def _read(file: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """One YAML file merged over what it extends; relative paths resolved against the file."""
    file = file.resolve()
    if file in seen:
        raise ConfigError(f"{file}: extends itself by way of {' -> '.join(p.name for p in seen)}")
    try:
        raw = yaml.safe_load(file.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: cannot be read as YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}: expected a mapping of settings, found {type(raw).__name__}")
    base = raw.pop("extends", None)
    if isinstance(raw.get("tasks"), list):
        raw["tasks"] = [str((file.parent / str(task)).resolve()) for task in raw["tasks"]]
    for *parents, leaf in _PATHS:
        node: Any = raw
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        if isinstance(node, dict) and leaf in node:
            node[leaf] = str((file.parent / str(node[leaf])).resolve())
    if not base:
        return raw
    beside = file.parent / str(base)
    return _merge(_read(beside if beside.is_file() else find_config(str(base)), (*seen, file)), raw)


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _fault(fault: dict[str, Any]) -> str:
    where = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        part: Any = Config
        for key in fault["loc"][:-1]:
            given = part.model_fields[key].annotation
            part = next(kind for kind in (*get_args(given), given) if hasattr(kind, "model_fields"))
        close = difflib.get_close_matches(str(fault["loc"][-1]), list(part.model_fields), n=1)
        return f"{where}: no such setting" + (f"; did you mean '{close[0]}'?" if close else "")
    return f"{where}: {fault['msg']} (found {fault['input']!r})"
