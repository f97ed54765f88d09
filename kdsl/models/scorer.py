"""`LabelScorer`: scores all labels of a task in one forward pass, and again on the cached prefix of the first call.

The tokens of the labels follow the prompt as a tree (`LabelTree`): with a 4-D mask, every branch attends only to the
prompt and to itself, and its positions restart at the end of the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import DynamicCache

from kdsl.config import PromptConfig
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.encode import Encoded, encode
from kdsl.models.features import Features, picture_features
from kdsl.models.label_tree import LabelTree
from kdsl.models.positions import text_positions, with_tree
from kdsl.models.prompts import Prompt, ask, build_prompt, fit_context
from kdsl.models.tree_pass import decoding, first_pass, read_tree, tree_rows
from kdsl.tasks import Task


@dataclass(frozen=True)
class PrefixState:
    """The state that call 1 keeps for calls 2 and 3 of a sample: keys and values of the shared prefix.

    `keys` and `values` are [layers, heads, prefix tokens, head size]; `position` is the position of the first token
    after the prefix; `adapter` must be active when the state is used.
    """

    prompt: Prompt
    keys: torch.Tensor
    values: torch.Tensor
    position: int
    adapter: str | None


@dataclass(frozen=True)
class LabelScores:
    """Scores of n samples over m labels.

    `raw` [n, m] are the model's log-probabilities of each label with its end of turn; `log_probs` [n, m] are these
    minus the active adapter's label shifts, normalised over the labels. `prompts` and, if kept, `states` have n
    entries.
    """

    labels: tuple[str, ...]
    log_probs: np.ndarray
    raw: np.ndarray
    prompts: tuple[Prompt, ...]
    states: tuple[PrefixState, ...] = ()


class LabelScorer:
    """Scores a task's labels with one model and the adapter that is active at the call.

    Only one thread may use a model at a time, because adapters are switched and layers hooked on the model itself.

    Args:
        batch_size: samples per forward pass.
    """

    def __init__(self, loaded: LoadedModel, task: Task, prompt_config: PromptConfig, *, batch_size: int = 8) -> None:
        self.loaded = loaded
        self.task = task
        self.prompt_config = prompt_config
        self.batch_size = batch_size
        self.frame = frame_of(loaded)
        self.features = picture_features(loaded)
        self.tree = LabelTree(self.frame, task.names).to(loaded.device)
        self._subtrees: dict[tuple[str, ...], LabelTree] = {task.names: self.tree}

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
            batch = [prompts[i] for i in rows]
            # outside of inference mode: training shares these features, and cannot use inference tensors
            seen = [self.features.of(prompt) for prompt in batch if prompt.pictures]
            scores, kept = self._first_call(encode(self.loaded, batch, pixels=False), batch, seen, keep)
            raw[rows] = scores
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
        texts = [fit_context(context, self.prompt_config, self.frame)[0] for context in contexts]
        tails = [ids + self.frame.after for ids in self.frame.ids([text + question for text in texts])]
        raw = np.zeros((len(states), len(tree.labels)))
        lengths = [state.keys.shape[2] + len(tail) for state, tail in zip(states, tails, strict=True)]
        for rows in _batches(lengths, self.batch_size):
            raw[rows] = self._further_call([states[i] for i in rows], [tails[i] for i in rows], tree)
        return self._label_scores(tree, raw, [state.prompt for state in states], ())

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

    @torch.inference_mode()
    def _first_call(
        self, batch: Encoded, prompts: Sequence[Prompt], seen: Sequence[Features], keep: bool
    ) -> tuple[np.ndarray, list[PrefixState]]:
        # not by the config: a layer with a sliding window would keep its last tokens alone
        cache = DynamicCache() if keep else None
        scores, starts = first_pass(self.loaded, self.tree, batch, seen, cache)
        states = []
        if cache is not None:
            for i, (prompt, length) in enumerate(zip(prompts, batch.prefix_lengths, strict=True)):
                states.append(
                    PrefixState(
                        prompt,
                        torch.stack([layer.keys[i, :, :length] for layer in cache.layers]),
                        torch.stack([layer.values[i, :, :length] for layer in cache.layers]),
                        # text advances all three axes by one per token: count back from the prompt's end
                        int(starts[i]) - (batch.lengths[i] - length),
                        self.loaded.active,
                    )
                )
        return scores, states

    @torch.inference_mode()
    def _further_call(self, states: Sequence[PrefixState], tails: Sequence[list[int]], tree: LabelTree) -> np.ndarray:
        device = self.loaded.device
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(tail) for tail in tails], batch_first=True).to(device)
        lengths = torch.tensor([len(tail) for tail in tails], device=device)
        real = torch.arange(ids.shape[1], device=device) < lengths[:, None]  # [b, s]
        starts = torch.tensor([state.position for state in states], device=device)
        prefix = torch.tensor([state.keys.shape[2] for state in states], device=device)
        longest = int(prefix.max())
        held = torch.arange(longest, device=device) < prefix[:, None]  # [b, p]
        keys, values = (_pad_stack([getattr(state, part) for state in states], longest) for part in ("keys", "values"))
        cache = DynamicCache()
        for i, (k, v) in enumerate(zip(keys, values, strict=True)):
            cache.update(k, v, i)
        rows = tree_rows(lengths, ids.shape[1], tree)
        positions = text_positions(self.loaded, starts, ids.shape[1])
        with decoding(self.loaded, rows):
            hidden = self.loaded.model.model(
                **with_tree(self.loaded, tree, ids, real, positions, held),
                past_key_values=cache,
                use_cache=True,
            ).last_hidden_state  # [b, s + n, d]
        return read_tree(self.loaded, tree, hidden, rows)


def _pad_stack(tensors: Sequence[torch.Tensor], longest: int) -> torch.Tensor:
    """Stack [layers, h, p_i, d] of several samples, padded, into [layers, b, h, longest, d]."""
    if all(tensor.shape[2] == longest for tensor in tensors):
        return torch.stack(list(tensors), 1)
    return torch.stack([torch.nn.functional.pad(tensor, (0, 0, 0, longest - tensor.shape[2])) for tensor in tensors], 1)


def _batches(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Indices in batches of similar length, so that there is little padding."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    for start in range(0, len(order), size):
        yield order[start : start + size]
