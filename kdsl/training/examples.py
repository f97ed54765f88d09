"""Training examples: the prompts used in scoring, followed by the label and the end of the turn.

Everything a frozen vision tower makes of a picture is computed once and kept, so that a training step runs
the language model alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from kdsl.config import PromptConfig
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.encode import encode
from kdsl.models.features import picture_features
from kdsl.models.positions import token_positions
from kdsl.models.prompts import Prompt, build_prompt
from kdsl.tasks import Task
from kdsl.training.lower_layers import LowerLayers

IGNORED = -100
"""Target that the loss leaves out."""


@dataclass(frozen=True)
class Example:
    """A prompt's token ids, the answer's (label and end of turn; none without a label), its pictures' grids [p, 3]."""

    prompt: Prompt
    prompt_ids: torch.Tensor
    answer_ids: torch.Tensor
    grids: torch.Tensor | None

    def __len__(self) -> int:
        """Tokens."""
        return len(self.prompt_ids) + len(self.answer_ids)


def make_examples(
    loaded: LoadedModel, evidences: Sequence[Evidence], tasks: Mapping[str, Task], config: PromptConfig
) -> list[Example]:
    """One example per sample, in their order.

    Raises:
        InputError: a picture is gone or is none, or a label is not the task's.
    """
    frame = frame_of(loaded)
    examples = []
    for evidence in evidences:
        task = tasks[evidence.sample.task]
        label = evidence.sample.label
        prompt = build_prompt(evidence, task, config, frame)
        for picture in prompt.pictures:  # now, and not when training has come to it
            picture.check()
        tensors = encode(loaded, [prompt], pixels=False).tensors
        answer: list[int] = []
        if label is not None:
            answer = [*frame.ids([task.names[task.index(label)]])[0], frame.end_of_turn]
        grids = tensors.get("image_grid_thw")
        examples.append(
            Example(
                prompt,
                tensors["input_ids"][0].cpu(),
                torch.tensor(answer, dtype=torch.long),
                None if grids is None else grids.cpu(),
            )
        )
    return examples


class Collator:
    """Examples, named by their numbers, as a batch whose answers stand at the right end.

    With the answers flush right, the vocabulary is projected at a handful of positions only: `labels` [b, a]
    are the targets of the last a tokens. `mm_encoder_outputs` of the model is given as its flat parts, which
    a trainer can move to its device: `picture_embeds` [t, d] and `deep_embeds` [layers, t, d].

    Args:
        lower: layers that the training leaves as they are; what they make of the batch is then in `lower_states`.
    """

    def __init__(self, loaded: LoadedModel, examples: Sequence[Example], lower: LowerLayers | None = None) -> None:
        self.loaded = loaded
        self.examples = examples
        self.lower = lower
        self.features = picture_features(loaded)
        self.features.reserve([example.prompt for example in examples])

    def __call__(self, rows: Sequence[Mapping[str, int]]) -> dict[str, torch.Tensor]:
        numbers = [row["number"] for row in rows]
        batch = [self.examples[i] for i in numbers]
        answers = max(len(example.answer_ids) for example in batch)
        labels = torch.full((len(batch), answers), IGNORED)
        for i, example in enumerate(batch):
            labels[i, -len(example.answer_ids) :] = example.answer_ids
        whole = [torch.cat([example.prompt_ids, example.answer_ids]) for example in batch]
        tensors = self.pack(batch, whole) | {"labels": labels}
        if self.lower:
            tokens = (tensors[name] for name in ("input_ids", "attention_mask", "position_ids"))
            tensors["lower_states"] = self.lower.states(numbers, *tokens)
        return tensors

    def pack(self, batch: Sequence[Example], tokens: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        """What the model is fed when it reads `tokens` of each example, flush right."""
        ids = torch.full((len(batch), max(map(len, tokens))), self.loaded.tokenizer.pad_token_id or 0)
        mask = torch.zeros_like(ids)
        for i, row in enumerate(tokens):
            ids[i, -len(row) :] = row
            mask[i, -len(row) :] = 1
        shown = [example for example in batch if example.grids is not None]
        grids = torch.cat([example.grids for example in shown if example.grids is not None]) if shown else None
        positions = token_positions(self.loaded, ids, mask, grids)
        tensors = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
        if shown:
            features = [self.features.of(example.prompt) for example in shown]
            tensors["picture_embeds"] = torch.cat([embeds for embeds, _ in features])
            if features[0][1]:
                layers = zip(*(deep for _, deep in features), strict=True)
                tensors["deep_embeds"] = torch.stack([torch.cat(layer) for layer in layers])
        return tensors
