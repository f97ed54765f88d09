"""Language models are asked the official prompts, to the letter."""

from __future__ import annotations

from pathlib import Path

from helpers.intention_items import write_items

from kdsl.evaluation.intentionqa.items import read_items
from kdsl.evaluation.intentionqa.prompts import bare, by_letter, by_wording, official_prompt


def test_the_official_prompts(tmp_path: Path) -> None:
    """As `toPrompt_task1` and `toPrompt_task2` of the published code write them, HTML's entities and all."""
    first = read_items(write_items(tmp_path / "one.jsonl", 1), 1).items[0]
    assert official_prompt(first) == (
        "A customer buys Copper Tea Kettle &amp; Lid, 2 qt and Loose Leaf Tea Strainer. What is the most likely "
        "intention for buying them?\n"
        "A. because they both are used to brew tea at home.\n"
        "B. because the person wants his lawn to be watered.\n"
        "C. because he wanted to cut the roses.\n"
        "D. because they both have a property of comfort.\n"
        "Answer A or B or C or D only without any other word."
    )
    second = read_items(write_items(tmp_path / "two.jsonl", 2), 2).items[0]
    assert official_prompt(second) == (
        "A customer buys Copper Tea Kettle &amp; Lid, 2 qt, because they both are used to brew tea at home.\n"
        "What is the customer's most probable additional purchase?\n"
        "A. Loose Leaf Tea Strainer\nB. Brass Spray Nozzle\nC. Leather Gloves for Roses\nD. Desk Lamp with Clamp\n"
        "Answer A or B or C or D only without any other word."
    )


def test_what_a_knowledge_base_holds_stands_first(tmp_path: Path) -> None:
    item = read_items(write_items(tmp_path / "one.jsonl", 1), 1).items[0]
    asked = by_letter(item, ["they like tea"])
    assert asked.text == f"What customers said of such products:\n- they like tea\n{official_prompt(item)}"
    assert asked.answers == ("A", "B", "C", "D")
    continued = by_wording(item, False, ["they like tea"])
    assert continued.text.startswith("What customers said of such products:\n- they like tea\nProduct 1: Copper Tea")


def test_a_model_that_chats_is_asked_and_another_goes_on(tmp_path: Path) -> None:
    first = read_items(write_items(tmp_path / "one.jsonl", 1), 1).items[0]
    facts = "Product 1: Copper Tea Kettle & Lid, 2 qt\nProduct 2: Loose Leaf Tea Strainer"
    continued = by_wording(first, False)
    assert (continued.text, continued.opening) == (facts, "A customer bought both products")
    assert continued.answers[0] == " because they both are used to brew tea at home."
    assert by_wording(first, True).text == f"{facts}\nWhat is the most likely intention for buying them?"
    second = read_items(write_items(tmp_path / "two.jsonl", 2), 2).items[0]
    continued = by_wording(second, False)
    assert continued.text.endswith("\nReason: because they both are used to brew tea at home.")
    assert continued.opening == "The customer also bought"
    assert continued.answers[0] == " Loose Leaf Tea Strainer"


def test_a_prior_is_asked_for_in_the_same_words_without_the_products(tmp_path: Path) -> None:
    first = read_items(write_items(tmp_path / "one.jsonl", 1), 1).items[0]
    for chats in (False, True):
        asked, prior = by_wording(first, chats), bare(1, first.options, chats)
        assert (asked.opening, asked.answers) == (prior.opening, prior.answers)
        assert "Tea" not in prior.text
    assert bare(1, first.options, False).text == ""
    assert bare(1, first.options, True).text == (
        "A customer buys two products. What is the most likely intention for buying them?"
    )
