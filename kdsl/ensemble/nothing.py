"""`missing_evidence`: whether a sample gives nothing to classify it by.

An expert that is asked about nothing still names its likeliest label, and a large model may be sure of it. So such a
sample is not shown to them: it gets the labels' shares among the samples of the fit, and is left to a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import regex

from kdsl.evidence.types import Evidence, Picture
from kdsl.rules.function_words import CHINESE_FIRST, ENGLISH
from kdsl.tasks import Task
from kdsl.words import normalise, units

EMPTY = "it holds no text, and no picture that shows anything"
SMALL_TALK = "it holds greetings and thanks alone"
UNKNOWN = "no expert knows anything of it"

ONE_COLOUR = 0.98
"""From this share of its pixels black, grey or white, a picture may be blank; a colour may be what a label is about."""
TALK = 0.2
"""Share of a label's samples that are small talk alone from which small talk is what the label means."""
NO_EDGES = 0.001
"""Below this share of pixels on strong edges a picture may be blank; where both hold, it is."""

_COURTESY = regex.compile(
    "欢迎光临|很高兴为您服务|为您服务|有什么(?:问题)?(?:可以|能|需要)帮(?:助|到)?(?:您|你)?|请问|您好|你好|在不在|在吗|在么|有人吗|有人么|人呢|早上好|下午好|晚上好|早安|晚安|"
    "好的呢?|好吧|好滴|可以的|对对|谢谢|多谢|感谢|辛苦了?|麻烦(?:了|您|你)|不客气|应该的|没事了?|没关系|没什么|算了|"
    "抱歉|对不起|不好意思|打扰了?|您说|您?请讲|就是说|稍等一下|请稍等|稍等|知道了|收到|拜拜|再见|客服|小二|老板|"
    r"how (?:can|may) i (?:help|assist)(?: you)?|哈+|嘿+|呵+|喂+|嗨|亲+|啦|好+"
)
_ENGLISH_COURTESY = ENGLISH | {"good", "morning", "afternoon", "evening", "day", "bye", "goodbye", "welcome", "anyone"}
_ENGLISH_COURTESY |= {"sorry", "never", "mind", "well", "um", "uh", "hmm"}
_CHINESE_COURTESY = CHINESE_FIRST | frozenset("了个着")


def missing_evidence(evidence: Evidence) -> str | None:
    """Why a sample tells nothing, in words about it; None if it tells something.

    Text of the dialogue counts, text read in pictures, and a picture that is not blank, whatever it shows.
    """
    if any(line.text.strip() for picture in evidence.pictures for line in picture.lines):
        return None
    if any(not is_blank(picture) for picture in evidence.pictures):
        return None
    said = [turn.said for turn in evidence.sample.turns]
    if any(map(bears_content, said)):
        return None
    return SMALL_TALK if any(map(str.strip, said)) else EMPTY


def tells_small_talk(task: Task, labelled: Sequence[Evidence]) -> bool:
    """Whether greetings and thanks are among what a task's labels tell apart, so that they are evidence.

    Args:
        labelled: the task's samples with a label.
    """
    if not all(bears_content(label.name) for label in task.labels):
        return True
    samples = Counter(evidence.sample.label for evidence in labelled)
    talk = Counter(evidence.sample.label for evidence in labelled if missing_evidence(evidence) == SMALL_TALK)
    return any(count >= TALK * samples[label] for label, count in talk.items())


def is_blank(picture: Picture) -> bool:
    """Whether a picture is all black, grey or white."""
    return max(picture.facts.colours[-3:]) >= ONE_COLOUR and picture.facts.edges < NO_EDGES


def bears_content(text: str) -> bool:
    """Whether something is left of a text without signs, greetings, thanks and words that carry grammar alone.

    A number is content: it may be that of an order or a size.
    """
    left = units(_COURTESY.sub(" ", normalise(text)))
    return any(
        any(map(str.isalnum, unit)) and unit not in _ENGLISH_COURTESY and unit not in _CHINESE_COURTESY for unit in left
    )
