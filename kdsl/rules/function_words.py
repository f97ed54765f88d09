"""Words that carry grammar and no topic: a cue does not consist of them, nor begin or end with one.

Closed classes of English (articles, pronouns, auxiliaries, prepositions, conjunctions) and of Chinese (particles,
pronouns, some adverbs). Question words and negations are not among them: they tell what is asked. In other languages
no word is known as such, and the test for chance (`significance`) has to do alone.
"""

from __future__ import annotations

from collections.abc import Sequence

_ENGLISH = """
    a an the this that these those some any each every such
    i me my mine you your yours he him his she her hers it its we us our ours they them their theirs
    myself yourself itself ourselves themselves one ones someone something anything
    am is are was were be been being do does did doing done has have had having will would shall should can could
    may might must ve ll re d m s t im ive id
    of in on at to for from with by about into onto over under between through during as than
    and or but if so because while although though whether also too just very really then there here
    please hi hello hey ok okay yes thanks thank
"""
ENGLISH = frozenset(_ENGLISH.split())
CHINESE_FIRST = frozenset("的吗呢吧啊呀哦嗯嘛我你您他她它们这那也都就很在是与或请")
CHINESE_LAST = CHINESE_FIRST - frozenset("与请") | frozenset("了着个")
"""了, 着 and 个 begin words such as 了解, 着急 and 个人; 与 and 请 end words such as 参与 and 申请."""


def bears_topic(parts: Sequence[str]) -> bool:
    """Whether a phrase, given as units in normal form, neither begins nor ends with a function word."""
    first, last = parts[0], parts[-1]
    return not (first in ENGLISH or last in ENGLISH or first in CHINESE_FIRST or last in CHINESE_LAST)
