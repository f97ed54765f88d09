"""`Config`: all settings of a run, with their defaults and limits (`kdsl.config_file` reads them from YAML)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from kdsl.errors import ConfigError
from kdsl.machine import require_models
from kdsl.model_server import ModelAddress
from kdsl.resources import resource
from kdsl.tasks import Task

UNLEARNED = ("save_every", "gradient_checkpointing", "report_to")
"""Settings of training that change nothing that is learned: what was begun may go on with others."""
FEW_FOLDS, MANY_FOLDS = 2, 5
"""Inner folds, if `ensemble.inner_folds` says nothing: with a large model, or where samples are few; and without."""
NANO = "kdsl-nano"
"""The model that lies in the package."""
AUTO = "auto"
"""In place of encoders' names: a fit chooses them."""
TAKEN = {"large", "small", "reread", "second", "rules", "retrieval", "lexical", "semantic", "layout", "visual"}
"""Names of experts and calls, which no model of `beside` may have."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelServer(ModelAddress):
    """A server (vLLM) that the large model is behind (docs/gpu.md); nothing is trained there."""

    parameters: int = Field(ge=1)
    """Weights of the served model, without adapters: what a sample's budget counts. Checked against config.json and
    what the server says."""
    adapters: Mapping[str, str] = Field(default_factory=dict)
    """Task -> what the server calls the adapter of that task; tasks without one are asked of `model`."""


class ModelConfig(_Part):
    """The weights of one role (large or small), and how they are loaded."""

    source: str = NANO
    """`kdsl-nano` (embedded), `gemma-3-270m` (from `kdsl[gemma]`), a local folder, or a hub id such as
    `Qwen/Qwen2-VL-7B-Instruct` or `Qwen/Qwen3-0.6B`."""
    accept_terms: Literal["gemma"] | None = None
    """Whose terms of use the user accepts; `gemma-3-270m` requires `gemma` (https://ai.google.dev/gemma/terms)."""
    hub: Literal["huggingface", "modelscope"] = "huggingface"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str = "auto"
    """`auto` is the first GPU if there is one, else the CPU."""
    quantize: Literal["none", "4bit"] = "none"
    """`4bit` stores the language model's linear layers as NF4 (QLoRA); needs `kdsl[gpu]`."""
    attention: Literal["sdpa", "flash_attention_2", "eager"] = "sdpa"
    """Attention kernels for training; with `flash_attention_2`, scoring still uses `sdpa` (docs/gpu.md)."""
    tasks: tuple[str, ...] | None = None
    """Names of the tasks that the large model is trained on and asked about; by default all of them."""
    server: ModelServer | None = None
    """Asks the large model behind a server. `source` then gives its tokenizer and config.json; no weights are read."""

    def asked(self, task: Task) -> bool:
        """Whether the model is asked about a task."""
        return self.tasks is None or task.name in self.tasks

    def same_as(self, other: ModelConfig | None) -> bool:
        """Whether both are the same model, whatever tasks they are asked about."""
        return other is not None and other.model_copy(update={"tasks": self.tasks}) == self


class EvidenceConfig(_Part):
    """How the text of pictures is read."""

    ocr: Literal["rapidocr", "paddleocr"] = "rapidocr"
    paddle_engine: Literal["onnxruntime", "paddle"] = "onnxruntime"
    """What PaddleOCR computes with. `onnxruntime`: on the models of RapidOCR's wheel; PaddlePaddle is not needed, and
    nothing is downloaded. `paddle`: on PaddlePaddle, with PaddleOCR's own default models, which it downloads."""
    min_score: float = Field(0.5, ge=0, le=1)
    """OCR lines below this confidence are dropped."""
    max_side: int = Field(1280, ge=64)
    """Pictures are scaled down to this longest side, in pixels, for text detection."""
    max_megapixels: float = Field(100, gt=0)
    """Larger pictures are rejected before they are decoded."""


class PromptConfig(_Part):
    """How evidence becomes a prompt. Whole lines, turns or pictures are dropped to stay within the limits."""

    max_tokens: int = Field(160, ge=32)
    """Maximum tokens per prompt, including picture tokens (docs/nano.md explains the low default)."""
    dialogue_tokens: int | None = Field(None, ge=32)
    """Replaces `max_tokens` for tasks whose input is a dialogue."""
    max_pixels: int = Field(25088, ge=784)
    """Maximum pixels per sample, shared by its pictures (one picture token covers 28 x 28 pixels)."""
    list_labels: bool = False
    """List all labels in the question (large models need it; nano was pretrained without)."""
    ocr: bool = True
    """Include the OCR text of the pictures."""
    dialogue_ocr: bool | None = None
    """Replaces `ocr` for tasks whose input is a dialogue."""

    def limit(self, task: Task) -> int:
        """Maximum tokens of a prompt of this task."""
        return self.dialogue_tokens or self.max_tokens if task.input == "dialogue" else self.max_tokens

    def shows_ocr(self, task: Task) -> bool:
        """Whether prompts of this task have the OCR text of the pictures."""
        return self.ocr if self.dialogue_ocr is None or task.input != "dialogue" else self.dialogue_ocr

    def with_ocr(self, shown: bool) -> PromptConfig:
        """These settings, with the OCR text in all tasks' prompts or in none."""
        return self.model_copy(update={"ocr": shown, "dialogue_ocr": None})


class AugmentConfig(_Part):
    """Augmented copies of training samples."""

    policy: Literal["none", "rare", "all"] = "none"
    """`rare` adds copies to small classes up to the median class size of their task; `all` also copies every sample
    once."""
    text: bool = True
    """Change words and order in dialogues, and add OCR errors to OCR lines."""
    pictures: bool = True
    """Crop, rotate and recolour pictures."""
    synonyms: str = Field(default_factory=lambda: str(resource("configs/synonyms/customer-service.yaml")))
    """File of words that may be replaced or left out; by default the one that ships with kdsl."""


class SearchConfig(_Part):
    """The search space of few-shot adaptation, in addition to half epochs up to `training.epochs`."""

    ranks: tuple[int, ...] = Field((16,), min_length=1)
    """LoRA ranks to try; the ratio of alpha to the rank stays fixed."""
    augment: tuple[Literal["none", "rare", "all"], ...] = Field(("none", "rare"), min_length=1)
    """Values of `training.augment.policy` to try."""


class TrainingConfig(_Part):
    """How adapters are trained: one per task, or one for all tasks."""

    strategy: Literal["separate", "joint", "sequence"] = "separate"
    """One adapter per task, or one for all: `joint` trains it on all tasks' samples at once, `sequence` on each task's
    alone, one after the other in the order of `tasks`, and then on all; each stage has the whole schedule."""
    regime: Literal["lora", "freeze", "full"] = "lora"
    """What is trained. `lora`: an adapter, with the base frozen; `freeze`: the last `last_layers` decoder layers;
    `full`: the whole language model. The vision tower is never trained."""
    last_layers: int = Field(25, ge=1)
    """Number of decoder layers, counted from the last, that `freeze` trains."""
    ocr: bool | None = None
    """Replaces `prompt.ocr` and `prompt.dialogue_ocr` in training prompts; the same as these by default."""
    lora_r: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    lora_dropout: float = Field(0.05, ge=0, lt=1)
    lora_layers: int | None = Field(None, ge=1)
    """Number of decoder layers, counted from the last, that `lora` adapts; all by default. A text-only model then runs
    the others once per sample, not once per epoch."""
    epochs: float = Field(4, gt=0)
    """Length of the learning-rate schedule, in epochs."""
    stop: float | None = Field(None, gt=0)
    """Epochs after which training stops within that schedule; chosen by `search`."""
    batch_size: int = Field(8, ge=1)
    """Samples per forward pass."""
    gradient_accumulation: int = Field(1, ge=1)
    learning_rate: float = Field(5e-4, gt=0)
    warmup_ratio: float = Field(0.05, ge=0, lt=1)
    weight_decay: float = Field(0.01, ge=0)
    save_every: int = Field(50, ge=1)
    """Optimizer steps between checkpoints; a killed run resumes from the latest."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass instead of storing them: less memory, more time."""
    balance: Literal["none", "sqrt", "uniform"] = "none"
    """How often each class is drawn per epoch: by its size, by the square root of its size, or equally often."""
    logit_adjustment: float = Field(0, ge=0)
    """Factor of logit adjustment: this times the log-prior of a label in the training data is subtracted from its
    score (docs/gpu.md); 0 turns it off."""
    report_to: Literal["tensorboard", "wandb", "none"] = "tensorboard"
    """Where `kdsl train-large` and `train-small` report curves, in addition to loss.jsonl; `kdsl fit` ignores it."""
    augment: AugmentConfig = AugmentConfig()
    search: SearchConfig | None = None
    """Choose rank, augmentation and epochs by cross-validation over the inner folds; without it they are fixed."""


class FurtherModel(_Part):
    """A further large model beside `large`: an expert of its own, with adapters and a call 1 of its own."""

    model: ModelConfig
    prompt: PromptConfig = PromptConfig()
    """What it does not say is as in the run's `prompt`."""
    training: TrainingConfig = TrainingConfig()
    """What it does not say is as in the run's `training`; `search` is for `large` alone."""


class StudentConfig(_Part):
    """Distillation of the large model into an adapter on the small one, the student, trained with `training`."""

    train: bool = False
    """Whether `kdsl fit` trains a student, which the small model then uses in call 3."""
    alpha: float = Field(0.5, ge=0, le=1)
    """Weight of the teacher's distributions in the loss; the gold labels have the rest."""
    temperature: float = Field(2.0, gt=0)
    """Temperature that softens both the teacher's and the student's distributions."""


class RulesConfig(_Part):
    """Rules by hand, cue mining and the tree search for rules."""

    books: str | None = None
    """Folder of rule books of one's own, `<task>.yaml`. Their rules by hand and edited ones join those that ship with
    kdsl; a task without labelled samples takes their mined ones too."""
    max_cues: int = Field(400, ge=10)
    """Size of the cue vocabulary per label."""
    min_support: int = Field(2, ge=1)
    """Minimum number of training samples in which a literal must hold."""
    max_literals: int = Field(3, ge=1)
    simulations: int = Field(240, ge=1)
    """Tree-search simulations per label, shared by its rules. More of them fit the training samples better, but
    not unseen samples."""
    rules_per_label: int = Field(12, ge=1)
    occlusion_samples: int = Field(400, ge=0)
    """Samples for which the small model scores the effect of hiding a unit; at 0 nothing is hidden."""
    occlusion_units: int = Field(6, ge=1)
    """Units hidden per sample, one at a time."""


class EncodersConfig(_Part):
    """Pretrained models that turn texts and pictures into vectors, for the experts semantic, visual and retrieval."""

    text: tuple[str, ...] = ("use-multilingual-v3",)
    """Encoders of texts, whose vectors stand side by side: `use-multilingual-v3` (16 languages, comes with kdsl),
    `all-minilm-l6-v2` (extra `embed`; English), `multilingual-e5-small` (extra `e5`; 10 to 30 times the first one's
    time), or names of sentence-transformers models. One name may stand alone; `null`: no semantic expert, and retrieval
    by letters alone; `auto`: the first, and each of the others that is installed and helps by a fit's
    cross-validation. Where retrieval has imagined documents, which are thousands, it reads by the first alone."""

    picture: str | None = "efficientnet-lite2"
    """`efficientnet-lite2` (comes with kdsl); `null`: no visual expert, and no retrieval by pictures."""

    @field_validator("text", mode="before")
    @classmethod
    def _as_names(cls, value: object) -> object:
        return () if value is None else (value,) if isinstance(value, str) else value

    @field_validator("text")
    @classmethod
    def _auto_stands_alone(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if AUTO in names and len(names) > 1:
            raise ValueError(f"'{AUTO}' stands alone, or name the encoders")
        return names


class KnowledgeConfig(_Part):
    """Retrieval over snippets and labelled samples."""

    snippets: str = Field(default_factory=lambda: str(resource("knowledge_base")))
    """File or folder of snippets (docs/knowledge.md); by default those that ship with kdsl."""
    neighbours: int = Field(12, ge=1)
    """Documents retrieved per query."""
    imagined_per_label: int = Field(200, ge=0)
    """Synthetic samples per label that retrieval and the lexical expert use in addition to the labelled ones."""


class BudgetConfig(_Part):
    """Limits per sample (rules of the WWW2025 MIRE challenge)."""

    max_calls: int = Field(3, ge=1)
    max_output_tokens: int = Field(100, ge=1)
    max_parameters: float = Field(10e9, gt=0)


class EnsembleConfig(_Part):
    """Fusion, router and budget."""

    inner_folds: int | None = Field(None, ge=2)
    """Folds of the training data; fusion is fitted on their out-of-fold scores. By default 2 with large models, which
    are trained once per fold, and 5 without."""
    shortlist: int = Field(5, ge=2)
    """Number of labels that the second call scores again."""
    route_rate: float = Field(0.3, ge=0, le=1)
    """Share of samples, those with the smallest margins, that the router sends to further calls."""
    target_accuracy: float = Field(0.9, gt=0, le=1)
    """Out-of-fold accuracy that predictions above the abstention threshold must reach; those below it abstain."""
    budget: BudgetConfig = BudgetConfig()

    @property
    def fewest_folds(self) -> int:
        """The number of inner folds that the samples must be enough for."""
        return self.inner_folds or FEW_FOLDS


class Config(_Part):
    """All settings of a run."""

    seed: int = 17
    tasks: tuple[str, ...] = Field(
        default_factory=lambda: tuple(str(resource(f"configs/tasks/mire-{name}.yaml")) for name in ("scene", "intent")),
        min_length=1,
    )
    """Task files; by default those of the MIRE challenge."""
    large: ModelConfig | None = ModelConfig()
    """The model that adapters are trained on; if `null`, the other experts predict without model calls."""
    small: ModelConfig | None = ModelConfig()
    """The model that guides the search for rules and answers call 3; if `null`, it does neither."""
    beside: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")], FurtherModel] = {}
    """Further large models by the names that their experts shall have. Each costs one of the calls per sample."""
    evidence: EvidenceConfig = EvidenceConfig()
    prompt: PromptConfig = PromptConfig()
    training: TrainingConfig = TrainingConfig()
    student: StudentConfig = StudentConfig()
    rules: RulesConfig = RulesConfig()
    encoders: EncodersConfig = EncodersConfig()
    knowledge: KnowledgeConfig = KnowledgeConfig()
    ensemble: EnsembleConfig = EnsembleConfig()

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, raw: Any) -> Any:
        """Merge each `prompt` and `training` in `beside` over the run's own."""
        if not isinstance(raw, dict) or not isinstance(raw.get("beside"), dict):
            return raw
        shared = {key: raw[key] for key in ("prompt", "training") if isinstance(raw.get(key), dict)}
        own = {name: merged(shared, one) if isinstance(one, dict) else one for name, one in raw["beside"].items()}
        return raw | {"beside": own}

    @field_validator("beside")
    @classmethod
    def _no_role(cls, value: dict[str, FurtherModel]) -> dict[str, FurtherModel]:
        if taken := sorted(set(value) & TAKEN):
            raise ValueError(f"'{taken[0]}' is the name of another expert or call")
        return value

    @model_validator(mode="after")
    def _no_training_behind_a_server(self) -> Self:
        if self.small is not None and self.small.server is not None:
            raise ValueError("small.server: only large models are asked behind a server")
        if self.large is not None and self.large.server is not None:
            for key, wanted in (("training.search", self.training.search), ("student.train", self.student.train)):
                if wanted:
                    off = "false" if wanted is True else "null"
                    raise ValueError(f"{key}: a large model behind a server is not trained; write {key}: {off}")
        return self

    def of_beside(self, name: str) -> Config:
        """The settings of a run with the model `name` of `beside` as its one large model."""
        further = self.beside[name]
        training = further.training.model_copy(update={"search": None})
        own = {"large": further.model, "prompt": further.prompt, "training": training}
        return self.model_copy(update={"small": None, "beside": {}, "student": StudentConfig()} | own)

    @property
    def of_each_large(self) -> dict[str, Config]:
        """Per large model, `large` and those of `beside`, the settings of a run with it as the large one."""
        own = {} if self.large is None else {"large": self}
        return own | {name: self.of_beside(name) for name in self.beside}

    def model(self, role: Literal["large", "small"]) -> ModelConfig:
        """The config of a role's model, for callers that require it.

        Raises:
            MissingDependency: the packages that models need are not installed.
            ConfigError: the config has no model for this role.
        """
        found: ModelConfig | None = getattr(self, role)
        if found is None:
            require_models()
            raise ConfigError(f"this needs a {role} model, and the config has none ('{role}: null').")
        return found


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` over `base`, section by section."""
    whole = dict(base)
    for key, value in over.items():
        old = whole.get(key)
        whole[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return whole
