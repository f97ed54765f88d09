"""`way_of`: how a model's labels are scored, by its kinds of layers and a self-test, whose result is kept.

A tree of labels is only right where every layer keeps to the mask. One that does not, such as a recurrent layer, gives
wrong probabilities without an error. So each model answers two short prompts before its first label is scored: with the
answers as a tree, as rows, or both, against plain causal text of one answer each. That takes fewer tokens than a
sample's prompt. The result is kept in kdsl's cache under the weights' fingerprint and what else it depends on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from kdsl.errors import ConfigError
from kdsl.files import write_json
from kdsl.models.base import LoadedModel
from kdsl.models.chat import frame_of
from kdsl.models.encode import encode
from kdsl.models.generation import text_prompt
from kdsl.models.label_tree import LabelTree
from kdsl.models.positions import text_positions
from kdsl.models.prompts import Prompt
from kdsl.models.rows_pass import RowsWay
from kdsl.models.tree_pass import TreeWay
from kdsl.models.way import Way
from kdsl.resources import default_cache_dir
from kdsl.runs import digest

log = logging.getLogger(__name__)

MASKED = frozenset({"full_attention", "sliding_attention"})
"""Kinds of layers that keep to a mask, if the model's code hands it on."""
WAYS: dict[str, Way] = {way.name: way for way in (TreeWay(), RowsWay())}
TEXTS = ("生锈吗", "退款之后几天到账，is it new?")
"""Prompts of the self-test: of unlike lengths, so that padding is part of it."""
ANSWERS = ("退款", "退货换新", "is it new", "生锈")
"""Answers of the self-test; two begin alike."""
TOLERANCE = {torch.float32: 0.01, torch.float64: 0.01}
"""Nats between two ways to compute an answer's log-probability; other types round more: `COARSE`."""
COARSE = 0.5


def way_of(loaded: LoadedModel) -> Way:
    """The way to score labels with a model; the first question about a model runs the self-test.

    Raises:
        ConfigError: no way gives this model's own probabilities.
    """
    if "way" not in loaded.caches:
        loaded.caches["way"] = _kept(loaded) or _tested(loaded)
    return WAYS[loaded.caches["way"]]


def layer_types(loaded: LoadedModel) -> frozenset[str]:
    """The kinds of layers of a model's decoder, by the names that transformers' configs give them."""
    return frozenset(getattr(loaded.decoder.config, "layer_types", None) or ("full_attention",))


def _tested(loaded: LoadedModel) -> str:
    """The name of the first way that passes the self-test, which is kept."""
    unmasked = sorted(layer_types(loaded) - MASKED)
    ways = [way for way in WAYS.values() if not (unmasked and isinstance(way, TreeWay))]
    tree = LabelTree(frame_of(loaded), ANSWERS).to(loaded.device)
    prompts = [text_prompt(loaded, text) for text in TEXTS]
    expected = plain_log_probs(loaded, tree, prompts)
    differences: dict[str, float] = {}
    for way in ways:
        differences[way.name] = float(np.abs(way.first_call(loaded, tree, prompts)[0] - expected).max())
        if differences[way.name] <= TOLERANCE.get(loaded.dtype, COARSE):  # not so where a number is none
            _keep(loaded, {"way": way.name, "differences": differences, "unmasked": unmasked})
            if way.name == "rows":
                why = f"layers of type {', '.join(unmasked)}" if unmasked else "layers that do not keep to a mask"
                log.info("%s has %s: its labels are scored as rows", loaded.name, why)
            return way.name
    found = ", ".join(f"as {'a tree' if name == 'tree' else name} by {d:.3g}" for name, d in differences.items())
    raise ConfigError(
        f"{loaded.name} cannot score labels: what it says of an answer among others differs from what it says of the "
        f"answer alone ({found} in log-probability). Its layers ({', '.join(sorted(layer_types(loaded)))}) may look "
        "ahead, or leave out the mask of padding. Take another model, or another value of `attention`."
    )


@torch.inference_mode()
def plain_log_probs(loaded: LoadedModel, tree: LabelTree, prompts: Sequence[Prompt]) -> np.ndarray:
    """Log-probability of each answer of a tree [b, m] behind prompts of text alone, each in a row of its own.

    This is what every way must say. Rows are filled up behind the answer, where a causal model does not look, so no
    mask is needed. One forward pass.
    """
    batch = encode(loaded, prompts)
    starts = [batch.tensors["input_ids"][i, :length].tolist() for i, length in enumerate(batch.lengths)]
    rows = [torch.tensor([*start, *answer]) for start in starts for answer in tree.sequences]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(loaded.device)
    positions = text_positions(loaded, ids.new_zeros(len(ids)), ids.shape[1])
    hidden = loaded.model.model(input_ids=ids, position_ids=positions, use_cache=False).last_hidden_state
    scores = []
    for row, (start, answer) in enumerate(product(starts, tree.sequences)):
        logits = loaded.model.lm_head(hidden[row, len(start) - 1 : len(start) + len(answer) - 1]).float()
        told = logits.log_softmax(-1).gather(1, torch.tensor(answer, device=loaded.device)[:, None])
        scores.append(float(told.double().sum()))
    return np.array(scores).reshape(len(prompts), -1)


def _place(loaded: LoadedModel) -> Path | None:
    """The file of a model's result; None for one whose weights have no fingerprint."""
    if not loaded.fingerprint:
        return None
    depends = [loaded.model_type, str(loaded.dtype), loaded.device.type, loaded.decoder.config._attn_implementation]
    key = digest(loaded.fingerprint, *depends, torch.__version__, transformers.__version__, TEXTS, ANSWERS)
    return default_cache_dir() / "scoring" / f"{key}.json"


def _kept(loaded: LoadedModel) -> str | None:
    """The name of the way that passed before; None if there is none that can be read."""
    place = _place(loaded)
    try:
        found = json.loads(place.read_text("utf-8"))["way"] if place else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found in WAYS else None


def _keep(loaded: LoadedModel, result: dict[str, Any]) -> None:
    if place := _place(loaded):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_json(place, result)
        except OSError as error:  # then the next process tests again
            log.debug("the self-test of %s cannot be kept: %s", loaded.name, error)
