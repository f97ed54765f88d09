"""`LabelScorer`: scores all labels of a task behind a prompt, and again on what the first call kept of its prefix.

`kdsl.models.guard` says how: as a tree in one forward pass (`kdsl.models.tree_pass`), or, where a model's layers would
not keep to a tree's mask, as rows (`kdsl.models.rows_pass`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kdsl.config import PromptConfig
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.guard import way_of
from kdsl.models.label_tree import LabelTree
from kdsl.models.prompts import Prompt, ask, build_prompt, fit_context, read_of
from kdsl.models.way import PrefixState
from kdsl.tasks import Task


@dataclass(frozen=True)
class LabelScores:
    """Scores of n samples over m labels.

    `raw` [n, m] are the model's log-probabilities of each label with its end of turn; `log_probs` [n, m] are these
    minus the active adapter's label shifts, normalised over the labels. `prompts` and, if kept, `states` have n
    entries. `read` has n where contexts were given: how many texts of each, from the first, found room in the prompt.
    """

    labels: tuple[str, ...]
    log_probs: np.ndarray
    raw: np.ndarray
    prompts: tuple[Prompt, ...]
    states: tuple[Any, ...] = ()
    read: tuple[int, ...] = ()


class LabelScorer:
    """Scores a task's labels with one model and the adapter that is active at the call.

    Only one thread may use a model at a time, because adapters are switched and layers hooked on the model itself.

    Args:
        batch_size: samples per forward pass.

    Raises:
        ConfigError: a label holds a special token, or the model cannot score labels.
    """

    def __init__(self, loaded: LoadedModel, task: Task, prompt_config: PromptConfig, *, batch_size: int = 8) -> None:
        self.loaded = loaded
        self.task = task
        self.prompt_config = prompt_config
        self.batch_size = batch_size
        self.frame = frame_of(loaded)
        self.way = way_of(loaded)
        self.tree = LabelTree(self.frame, task.names).to(loaded.device)
        self._subtrees: dict[tuple[str, ...], LabelTree] = {task.names: self.tree}

    def viewed(self, prompt_config: PromptConfig) -> LabelScorer:
        """The same with other prompts."""
        return LabelScorer(self.loaded, self.task, prompt_config, batch_size=self.batch_size)

    def prompt(self, evidence: Evidence, context: Sequence[str] = ()) -> Prompt:
        """The prompt that `score` uses for a sample."""
        return build_prompt(evidence, self.task, self.prompt_config, self.frame, context=context)

    def score(self, evidences: Sequence[Evidence]) -> np.ndarray:
        """Log-probabilities over the task's labels, [n, m]: one model call per sample."""
        return self.score_prompts([self.prompt(evidence) for evidence in evidences]).log_probs

    def score_prompts(self, prompts: Sequence[Prompt], *, keep: bool = False) -> LabelScores:
        """Score prompts; with `keep`, keep the prefixes' caches for `rescore`."""
        raw = np.zeros((len(prompts), len(self.tree.labels)))
        states: dict[int, PrefixState] = {}
        for rows in _batches([prompt.n_tokens for prompt in prompts], self.batch_size):
            raw[rows], kept = self.way.first_call(self.loaded, self.tree, [prompts[i] for i in rows], keep=keep)
            states.update(zip(rows, kept, strict=False))
        return self._label_scores(self.tree, raw, prompts, [states[i] for i in range(len(states))])

    def rescore(
        self,
        states: Sequence[PrefixState],
        contexts: Sequence[Sequence[str]],
        labels: Sequence[str] | None = None,
    ) -> LabelScores:
        """A further call for samples with a cached prefix: only context, question and labels are computed.

        Args:
            states: from `score_prompts(..., keep=True)`, under the same adapter.
            contexts: per sample, snippets or rules to put before the question (may be empty).
            labels: a shortlist, which gives the order of columns; all labels by default.

        Raises:
            InputError: a state is from another adapter.
        """
        tree = self._tree(tuple(labels) if labels is not None else self.task.names)
        for state in states:
            if state.adapter != self.loaded.active:
                raise InputError(
                    f"a cached prefix of adapter '{state.adapter}' cannot be used under "
                    f"'{self.loaded.active}'; call rescore inside `with loaded.using({state.adapter!r}):`."
                )
        question = self.frame.neutralise(ask(self.task, self.prompt_config, tree.labels))
        given = [fit_context(context, self.prompt_config, self.frame) for context in contexts]
        tails = [ids + self.frame.after for ids in self.frame.ids([text + question for text, *_ in given])]
        raw = np.zeros((len(states), len(tree.labels)))
        lengths = [state.length + len(tail) for state, tail in zip(states, tails, strict=True)]
        for rows in _batches(lengths, self.batch_size):
            own = [states[i] for i in rows], [tails[i] for i in rows]
            raw[rows] = self.way.further_call(self.loaded, tree, *own)
        scores = self._label_scores(tree, raw, [state.prompt for state in states], ())
        return replace(scores, read=read_of(contexts, given))

    def _label_scores(
        self, tree: LabelTree, raw: np.ndarray, prompts: Sequence[Prompt], states: Sequence[PrefixState]
    ) -> LabelScores:
        """Apply post-hoc logit adjustment (Menon et al., ICLR 2021, section 4.1) if the active adapter has shifts."""
        shifts = self.loaded.label_shifts.get(self.loaded.active or "", {}).get(self.task.name, {})
        scores = raw - np.array([shifts.get(label, 0.0) for label in tree.labels])
        log_probs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        return LabelScores(tree.labels, log_probs, raw, tuple(prompts), tuple(states))

    def _tree(self, labels: tuple[str, ...]) -> LabelTree:
        if labels not in self._subtrees:
            for label in labels:
                self.task.index(label)
            self._subtrees[labels] = LabelTree(self.frame, labels).to(self.loaded.device)
        return self._subtrees[labels]


def _batches(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Indices in batches of similar length, so that there is little padding."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    for start in range(0, len(order), size):
        yield order[start : start + size]
