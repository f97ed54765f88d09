"""`in_words`: the condition of a rule as a sentence, in English (the canonical lines themselves) or in Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from kdsl.rules.groups import CLOSE, OPEN
from kdsl.rules.literals import (
    LineCount,
    Measure,
    OcrGroup,
    OcrPattern,
    OcrText,
    PictureFact,
    RuleLiteral,
    TurnGroup,
    TurnText,
)
from kdsl.rules.normalised import Place, Who
from kdsl.rules.rule import When
from kdsl.serving.screen.languages import Language

_HOW = {"contains": "包含", "contains the word": "包含词语", "reads": "恰为"}
_PLACE: Mapping[Place, str] = {"top": "最上", "upper": "中上", "middle": "中间", "lower": "中下", "bottom": "最下"}
_WHO: Mapping[Who, str] = {
    "last user": "用户最后一句话",
    "first user": "用户第一句话",
    "user": "用户的某句话",
    "agent": "客服的某句话",
}
_FACT = {
    "photo": "某张图片是照片",
    "screenshot": "某张图片是截图",
    "overlay": "某张图片上有弹层",
    "dark": "某张图片偏暗",
    "no text": "某张图片没有文字",
}
_BOUND = {"at least": "至少", "at most": "至多"}
_COLOUR = {
    "red": "红色", "orange": "橙色", "yellow": "黄色", "green": "绿色", "cyan": "青色", "blue": "蓝色",
    "purple": "紫色", "pink": "粉色", "black": "黑色", "grey": "灰色", "white": "白色",
}  # fmt: skip
_MEASURE = {
    "text cover": "文字覆盖率",
    "brightness": "亮度",
    "saturation": "饱和度",
    "edge share": "边缘占比",
    "height over width": "高宽比",
    **{f"{colour} share": f"{name}占比" for colour, name in _COLOUR.items()},
}
_PATTERN = {
    "price": "价格",
    "signed amount": "带正负号的金额",
    "date": "日期",
    "timestamp": "日期和时间",
    "long number": "16 位及以上的数字",
    "tracking number": "快递单号",
    "phone number": "电话号码",
    "discount": "折扣",
    "percentage": "百分比",
    "duration": "剩余时间",
    "quantity": "数量",
    "sales": "销量",
}


def in_words(language: Language, when: When) -> str:
    """A condition in words."""
    if language == "en":
        return str(when)
    parts = [literal_in_words(language, literal) for literal in when.all]
    if when.any:
        either = " 或 ".join(literal_in_words(language, literal) for literal in when.any)
        parts.append(f"（{either}）" if len(when.any) > 1 else either)
    parts += [f"并非{literal_in_words(language, literal)}" for literal in when.none]
    return "，且".join(parts)


def literal_in_words(language: Language, literal: RuleLiteral) -> str:
    """A literal in words."""
    if language == "en":
        return str(literal)
    match literal:
        case OcrText(text=text, place=place, how=how):
            return f"{_line(place)}{_HOW[how]}「{text}」"
        case TurnText(text=text, who=who, how=how):
            return f"{_WHO[who]}{_HOW[how]}「{text}」"
        case OcrGroup(group=group, place=place):
            return f"{_line(place)}提到{OPEN}{group.name}{CLOSE}"
        case TurnGroup(group=group, who=who):
            return f"{_WHO[who]}提到{OPEN}{group.name}{CLOSE}"
        case PictureFact(fact=fact):
            return _FACT[fact]
        case LineCount(bound=bound, lines=lines):
            return f"{_BOUND[bound]}有 {lines} 行图中文字"
        case Measure(name=name, bound=bound, percent=percent):
            return f"某张图片的{_MEASURE[name]}{_BOUND[bound]}为 {percent}%"
        case OcrPattern(pattern=pattern, at_least=1):
            return f"某行图中文字含有{_PATTERN[pattern]}"
        case OcrPattern(pattern=pattern, at_least=least):
            return f"至少 {least} 行图中文字含有{_PATTERN[pattern]}"
    raise TypeError(f"no words for {literal!r}")


def _line(place: Place | None) -> str:
    return f"图片{_PLACE[place]}五分之一处的某行文字" if place else "某行图中文字"
