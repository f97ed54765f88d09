"""What the trainer sees: the tokens of scoring, the model's own loss, and an order that can be resumed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from helpers.tiny_models import KINDS

from kdsl.config import Config
from kdsl.errors import InputError
from kdsl.evidence.types import Evidence
from kdsl.models.base import LoadedModel
from kdsl.models.encode import encode
from kdsl.models.features import PictureFeatures
from kdsl.models.scorer import LabelScorer
from kdsl.tasks import Task
from kdsl.training.examples import IGNORED, Collator, make_examples
from kdsl.training.trainer import LabelTrainer, SimilarLengths

Load = Callable[..., LoadedModel]


def _loss(loaded: LoadedModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    trainer = LabelTrainer.__new__(LabelTrainer)  # a loss asks nothing of what its constructor sets up
    return trainer.compute_loss(loaded.model, batch)


def _numbers(n: int) -> list[dict[str, int]]:
    return [{"number": i} for i in range(n)]


@pytest.mark.parametrize("kind", KINDS)
def test_training_sees_the_tokens_that_scoring_asks_then_label_and_end(
    kind: str, load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config
) -> None:
    loaded = load_tiny(kind)
    examples = make_examples(loaded, dialogues, {care.name: care}, small_config.prompt)
    batch = Collator(loaded, examples)(_numbers(len(examples)))
    scorer = LabelScorer(loaded, care, small_config.prompt)
    scored = encode(loaded, [scorer.prompt(evidence) for evidence in dialogues])
    for i, evidence in enumerate(dialogues):
        seen = batch["input_ids"][i][batch["attention_mask"][i] == 1].tolist()
        answer = loaded.tokenizer(f"{evidence.sample.label}<|im_end|>")["input_ids"]
        assert seen == [*scored.tensors["input_ids"][i, : scored.lengths[i]].tolist(), *answer]
        targets = batch["labels"][i]
        assert targets[targets != IGNORED].tolist() == answer
        # and both are what the model's own processor makes of the same messages and pictures
        prompt = examples[i].prompt
        text = loaded.processor.apply_chat_template(prompt.messages, add_generation_prompt=True, tokenize=False)
        whole = loaded.processor(text=[text], images=prompt.images or None, do_resize=False)
        assert seen == [*whole["input_ids"][0], *answer]


@pytest.mark.parametrize("kind", KINDS)
def test_loss_is_the_models_own_over_the_answer(
    kind: str, load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config
) -> None:
    """Left padding, kept pictures and few logits change nothing: transformers' loss is the reference."""
    loaded = load_tiny(kind)
    examples = make_examples(loaded, dialogues, {care.name: care}, small_config.prompt)
    batch = Collator(loaded, examples)(_numbers(len(examples)))
    total, tokens = 0.0, 0
    for example in examples:
        tensors = dict(encode(loaded, [example.prompt]).tensors)
        answer = example.answer_ids[None]
        labels = torch.cat([torch.full_like(tensors["input_ids"], IGNORED), answer], 1)
        tensors["input_ids"] = torch.cat([tensors["input_ids"], answer], 1)
        tensors["attention_mask"] = torch.ones_like(tensors["input_ids"])
        kinds = tensors["mm_token_type_ids"]
        tensors["mm_token_type_ids"] = torch.cat([kinds, torch.zeros_like(answer, dtype=kinds.dtype)], 1)
        with torch.no_grad():
            total += float(loaded.model(**tensors, labels=labels).loss) * answer.numel()
        tokens += answer.numel()
    with torch.no_grad():
        ours = _loss(loaded, batch)
    assert float(ours) == pytest.approx(total / tokens, abs=1e-4)


def test_pictures_are_run_through_the_vision_tower_once(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config
) -> None:
    loaded = load_tiny()
    examples = make_examples(loaded, dialogues, {care.name: care}, small_config.prompt)
    runs = []
    handle = loaded.model.model.visual.register_forward_hook(lambda *_: runs.append(1))
    collate = Collator(loaded, examples)
    first, second = collate(_numbers(9)), collate(_numbers(9))
    handle.remove()
    assert len(runs) == sum(example.grids is not None for example in examples) == 6
    torch.testing.assert_close(first["picture_embeds"], second["picture_embeds"], rtol=0, atol=0)


def test_picture_features_keep_to_their_limit(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config
) -> None:
    loaded = load_tiny()
    shown = make_examples(loaded, dialogues[1:3], {care.name: care}, small_config.prompt)
    store = PictureFeatures(loaded, limit=1)
    runs = []
    handle = loaded.model.model.visual.register_forward_hook(lambda *_: runs.append(1))
    for example in (shown[0], shown[0], shown[1], shown[0]):
        store.of(example.prompt)
    handle.remove()
    assert len(runs) == 3  # the second was held, the last had been dropped


def test_a_training_makes_room_for_its_pictures(
    load_tiny: Load,
    dialogues: list[Evidence],
    care: Task,
    small_config: Config,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    loaded = load_tiny()
    examples = make_examples(loaded, dialogues, {care.name: care}, small_config.prompt)
    prompts = [example.prompt for example in examples]
    store = PictureFeatures(loaded, limit=1)
    store.reserve(prompts)
    held = [store.of(prompt) for prompt in prompts if prompt.pictures]
    distinct = {id(embeds): embeds.nbytes + sum(layer.nbytes for layer in deep) for embeds, deep in held}
    assert store.limit == sum(distinct.values())
    assert "computed anew" not in caplog.text
    short = PictureFeatures(loaded, limit=1)
    monkeypatch.setattr("kdsl.models.features.free_memory", lambda: 2 * store.limit - 8)
    short.reserve(prompts)
    assert short.limit == store.limit - 4
    assert "computed anew" in caplog.text


def test_a_batch_without_pictures_has_no_features(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config
) -> None:
    loaded = load_tiny()
    plain = [dialogues[0], dialogues[3]]
    examples = make_examples(loaded, plain, {care.name: care}, small_config.prompt)
    batch = Collator(loaded, examples)(_numbers(2))
    assert "picture_embeds" not in batch
    assert torch.isfinite(_loss(loaded, batch))


def test_a_picture_that_is_gone_is_named(
    load_tiny: Load, dialogues: list[Evidence], care: Task, small_config: Config
) -> None:
    from dataclasses import replace

    picture = dialogues[1].pictures[0]
    gone = replace(picture, path=picture.path.with_name("gone.png"))
    with pytest.raises(InputError, match=r"gone\.png"):
        make_examples(load_tiny(), [replace(dialogues[1], pictures=(gone,))], {care.name: care}, small_config.prompt)


def test_order_visits_every_sample_once_and_depends_on_seed_and_epoch_alone() -> None:
    lengths = [(i * 37) % 200 + 20 for i in range(50)]
    sampler = SimilarLengths(lengths, 8, seed=3)
    first = list(sampler)
    assert sorted(first) == list(range(50))
    sampler.set_epoch(1)
    second = list(sampler)
    assert sorted(second) == list(range(50))
    assert second != first
    again = SimilarLengths(lengths, 8, seed=3)
    again.set_epoch(1)
    assert list(again) == second
    assert list(SimilarLengths(lengths, 8, seed=4)) != first


def test_batches_hold_similar_lengths() -> None:
    lengths = torch.randint(20, 400, (512,), generator=torch.Generator().manual_seed(0)).tolist()
    order = list(SimilarLengths(lengths, 8, seed=1))
    batches = [[lengths[i] for i in order[start : start + 8]] for start in range(0, 512, 8)]
    padded = sum(8 * max(batch) for batch in batches)
    assert padded < 1.1 * sum(lengths)
    firsts = [max(batch) for batch in batches]
    assert firsts != sorted(firsts)  # batches themselves come in random order
