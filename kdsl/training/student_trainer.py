"""Knowledge distillation into an adapter (Hinton et al. 2015, arXiv 1503.02531; LLM-IR, section 4.3).

The student's distribution is the one that `kdsl.models.scorer` ranks labels by: all labels follow the prompt as a
tree, one forward pass gives the log-probability of each, normalised over the labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn.functional import nll_loss

from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.label_tree import LabelTree
from kdsl.models.positions import with_tree
from kdsl.models.tree_pass import any_mask
from kdsl.training.examples import Collator, Example
from kdsl.training.regimes import Trainee
from kdsl.training.teacher import SoftTargets
from kdsl.training.trainer import LabelTrainer, run_model

_SMALLEST = 1e-8
"""Least probability of a teacher: predictions are written with six digits, and zero has no logarithm."""


def distillation_loss(
    student: torch.Tensor, teacher: torch.Tensor, gold: torch.Tensor, alpha: float, temperature: float
) -> torch.Tensor:
    """alpha * KL(teacher^T || student^T) * T^2 + (1 - alpha) * CE(gold), mean over the batch.

    A sample without a distribution has the second term alone, one without a label the first.

    Args:
        student: log-probabilities of the labels, [b, m]; need not be normalised.
        teacher: probabilities [b, m]; a row of NaN says that there is none.
        gold: columns of the labels [b], -1 where unknown.
    """
    taught = teacher[:, 0].isfinite()
    wanted = (teacher[taught].clamp_min(_SMALLEST).log() / temperature).log_softmax(-1)
    given = (student[taught] / temperature).log_softmax(-1)
    divergence = (wanted.exp() * (wanted - given)).sum()
    missed = nll_loss(student.log_softmax(-1), gold, ignore_index=-1, reduction="sum")
    return (alpha * temperature**2 * divergence + (1 - alpha) * missed) / len(student)


class TreeCollator(Collator):
    """Prompts with the label tree behind them, as a batch; `teacher` [b, m] and `gold` [b] are what to learn."""

    def __init__(
        self, loaded: LoadedModel, examples: Sequence[Example], soft: SoftTargets, evidences: Sequence[Evidence]
    ) -> None:
        super().__init__(loaded, examples)
        self.tree = LabelTree(frame_of(loaded), soft.task.names)
        self.teacher, self.gold = (torch.from_numpy(rows) for rows in soft.rows(evidences))

    def __call__(self, rows: Sequence[Mapping[str, int]]) -> dict[str, torch.Tensor]:
        numbers = [row["number"] for row in rows]
        batch = [self.examples[i] for i in numbers]
        tensors = self.pack(batch, [example.prompt_ids for example in batch])
        ids, real = tensors["input_ids"], tensors["attention_mask"].bool()
        behind = with_tree(self.loaded, self.tree, ids, real, tensors["position_ids"])
        return (
            tensors
            | behind
            | {
                "teacher": self.teacher[numbers],
                "gold": self.gold[numbers],
                "labels": torch.zeros(len(batch), 1),  # what the trainer counts: one target per sample
            }
        )


class StudentTrainer(LabelTrainer):
    """Trains a student's adapter on examples of one task; `evidences` are what they were made of."""

    def __init__(
        self,
        learner: Trainee,
        loaded: LoadedModel,
        examples: Sequence[Example],
        soft: SoftTargets,
        evidences: Sequence[Evidence],
        shares: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(learner, loaded, examples, shares, **kwargs)
        self.settings = soft.config
        self.data_collator = TreeCollator(loaded, examples, soft, evidences)
        self.tree = LabelTree(frame_of(loaded), soft.task.names).to(loaded.device)

    def answer_rows(self, inputs: dict[str, torch.Tensor]) -> range:
        """The prompts' ends and the tree."""
        return range(-len(self.tree) - 1, 0)

    def training_step(
        self, model: Any, inputs: dict[str, torch.Tensor], num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Forward and backward pass of a batch, by kernels that take the tree's mask."""
        with any_mask(self.language_model.config):
            return super().training_step(model, inputs, num_items_in_batch)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """`distillation_loss` of a batch; logits are computed at `answer_rows` alone."""
        outputs = run_model(model, inputs, self.answer_rows(inputs))
        student = self.tree.log_probabilities(outputs.logits.float())
        settings = self.settings
        loss = distillation_loss(student, inputs["teacher"], inputs["gold"], settings.alpha, settings.temperature)
        if num_items_in_batch is not None:  # a step's samples, over all processes, whose gradients are averaged
            loss = loss * len(student) * self.args.world_size / num_items_in_batch
        loss = loss.float()  # the tree's sums are double
        return (loss, outputs) if return_outputs else loss
