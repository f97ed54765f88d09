from __future__ import annotations

import re
from typing import Literal

import pytest
from helpers.own_shop import SCENE
from hypothesis import given
from hypothesis import strategies as st

from kdsl.data.dialogue import END, START, clean_text, dialogue_body, format_turns, has_dialogue, parse_turns
from kdsl.data.sample import Turn
from kdsl.data.speakers import Speakers, stranger
from kdsl.errors import InputError
from kdsl.tasks import SpeakerNames


def texts(body: str) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in parse_turns(body)]


def test_half_and_full_width_colons_multi_line_and_empty_turns():
    body = "用户: 在吗\n客服：您好\n请问有什么可以帮您\n用户:\n用户： \n客服 : 还在吗"
    assert texts(body) == [
        ("user", "在吗"),
        ("agent", "您好 请问有什么可以帮您"),
        ("user", ""),
        ("user", ""),
        ("agent", "还在吗"),
    ]


def test_a_speaker_inside_a_sentence_does_not_split():
    body = "用户: 怎么登录\n客服: 页面上会显示 用户: 您的昵称，客服：我们的名字"
    assert texts(body)[1] == ("agent", "页面上会显示 用户: 您的昵称，客服：我们的名字")
    assert len(texts(body)) == 2


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ('"<http>"', "<http>"),
        ("看<image>和<image>这两张", "看 <image> 和 <image> 这两张"),
        ("点<dxm:highlight>这里</dxm:highlight>领取", "点这里领取"),
        ("<dxm:highlight>没有关上", "没有关上"),
        ("您好/:068 稍等/:H", "您好 稍等"),
        ("好的/:clock活动中/:^_^/:018，再见/:810", "好的活动中，再见"),
        ("不拆 1/2 和 24/7 营业 /:house", "不拆 1/2 和 24/7 营业 /:house"),
        ("见 https://shop.example/item?id=1&b=2 ，或【商品链接】", "见 <http> ，或<http>"),
        ("把链接发我", "把链接发我"),
        ("零\u200b宽\ufeff字\u200e符", "零宽字符"),
        ("  多  个\t空\u3000格\r\n换行 ", "多 个 空 格 换行"),
        ("尺寸<XL>还有吗，a < b > c", "尺寸<XL>还有吗，a < b > c"),
        ("<|im_start|>system", "<|im_start|>system"),
        ("👍🏽 很好", "👍🏽 很好"),
        ("refund<br>please<br/>now<BR />ok", "refund please now ok"),
        ("<p>one</p><p class='x'>two</p>", "one two"),
        ("a<b and b>c", "a<b and b>c"),
        ('<span style="color: red">rot</span>er', "roter"),
        ("refund\\nplease\\r\\nnow", "refund please now"),
        ("it is in C:\\new\\notes", "it is in C:\\new\\notes"),
    ],
)
def test_clean_text(raw: str, clean: str):
    assert clean_text(raw) == clean


@pytest.mark.parametrize("raw", ["<im/:068age>", "<im\u200bage>", "<ima<b>ge>"])
def test_cleaning_never_makes_a_picture_placeholder(raw: str):
    assert "<image>" not in clean_text(raw)


@given(st.text())
def test_clean_text_is_one_line_and_keeps_the_placeholders(raw: str):
    clean = clean_text(raw)
    assert clean.count("<image>") == raw.count("<image>")
    assert clean == " ".join(clean.split())


line = st.text(alphabet=st.sampled_from("用户客服:： \t<image>http/:锈吗\u3000"), max_size=20)
opening = st.sampled_from(["用户:", "用户：", "用户 : ", "客服:", "客服： "])


@given(
    st.sampled_from(["", "\n", " \n\n"]),
    st.tuples(st.just("用户:"), line),
    st.lists(st.one_of(line, st.tuples(opening, line))),
    st.sampled_from(["\n", "\r\n"]),
)
def test_joined_raw_turns_are_the_dialogue(
    blank: str, first: tuple[str, str], rest: list[str | tuple[str, str]], end: str
):
    body = blank + end.join(["".join(first), *("".join(part) for part in rest)])
    turns = parse_turns(body)
    assert "\n".join(turn.raw for turn in turns) == body
    assert len(turns) == len(re.findall(r"^[ \t\u3000]*(?:用户|客服)[ \t\u3000]*[:：]", body, re.MULTILINE))


@given(st.lists(st.builds(Turn, st.sampled_from(["user", "agent"]), st.just(""), st.text() | line), min_size=1))
def test_written_turns_are_read_back_turn_by_turn(turns: list[Turn]):
    turns.append(Turn("user", "", "好"))
    assert [turn.role for turn in parse_turns(format_turns(turns))] == [turn.role for turn in turns]


TWO = [("user", "我要退钱"), ("agent", "好的")]


@pytest.mark.parametrize(
    ("body", "turns"),
    [
        ("用戶: 我要退錢\n客服: 好的", [("user", "我要退錢"), ("agent", "好的")]),
        ("用户: 在嗎\n客服: 您好\n用戶: 我要退錢", [("user", "在嗎"), ("agent", "您好"), ("user", "我要退錢")]),
        ("用户: 在吗\n机器人: 您想换货吗\n用户: 不", [("user", "在吗"), ("agent", "您想换货吗"), ("user", "不")]),
        ("买家: 我要退钱\n卖家: 好的", TWO),
        ("賣家: 好的\n買家: 退", [("agent", "好的"), ("user", "退")]),
        ("顾客：我要退钱\n商家：好的", TWO),
        ("User: refund please\nAGENT: sure", [("user", "refund please"), ("agent", "sure")]),
        ("Customer: refund\nSupport : ok", [("user", "refund"), ("agent", "ok")]),
        ("[10:00] 用户: 我要退钱\n[10:01] 客服: 好的", TWO),
        ("2024-05-01 10:00:01 用户: 我要退钱\n2024-05-01 10:00:31 客服: 好的", TWO),
        ("用户 (2024-05-01 10:00:01): 我要退钱\n客服 (2024-05-01 10:00:31): 好的", TWO),
        ("用户 2024/5/1 10:00\n我要退钱\n客服 2024/5/1 10:01\n好的", TWO),
        ("  用户: 我要退钱\n\t客服: 好的", TWO),
        ("【用户】我要退钱\n【客服】好的", TWO),
        ("[用户]: 我要退钱\n[客服]: 好的", TWO),
        ("用户1: 我要退钱\n客服2: 好的", TWO),
        ("用户\u00a0: 我要退钱\n客服\u00a0: 好的", TWO),
        ("\u200b用户: 我要退钱\n\ufeff客服: 好的", TWO),
        *((f"用户: 我要退钱{end}客服: 好的", TWO) for end in ("\r\n", "\r", "\u2028", "\u2029", "\x85", "\v", "\f")),
        *((f"用户: 我要退钱{end}客服: 好的", TWO) for end in ("<br>", "<BR/>", "<br />", "\\n", "\\r\\n")),
    ],
)
def test_each_notation_keeps_who_said_what(body: str, turns: list[tuple[str, str]]):
    assert texts(body) == turns


def test_a_task_may_add_speakers():
    task = SCENE.model_copy(update={"speakers": SpeakerNames(user=("Bé",), agent=("掌柜",))})
    turns = parse_turns("bé: hola\n掌柜: 您好\n用户: 在", Speakers.of([task]))
    assert [turn.role for turn in turns] == ["user", "agent", "user"]
    assert [turn.role for turn in parse_turns("用户: 在\n掌柜: 您好")] == ["user"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("用户: 在\n店长: 您好", "店长:"),
        ("在<br>店长：您好", "店长："),
        ("在\n[10:00] 小美：您好", "小美："),
        ("在\n旗舰店小美 (2024-05-01 10:00:31): 好的亲", "旗舰店小美 (2024-05-01 10:00:31):"),
        ("在\n【店长】您好", "【店长】"),
        ("颜色: 红", None),
        ("见\nhttps://shop.example/a", None),
        ("营业\n10:00 到 22:00", None),
    ],
)
def test_a_line_that_reads_like_an_unknown_speaker_is_found(text: str, found: str | None):
    assert stranger(text) == found


@pytest.mark.parametrize(
    "raw",
    [
        "用户:",
        " 用户: 缩进",
        "好\n 客服: 真的",
        "e\v用户: f",
        "看<br>客服: 好",
        f"好\n{END}\n{START}\n吗",
        "[10:00] 客服: 好",
    ],
)
@pytest.mark.parametrize("role", ["user", "agent"])
def test_what_was_said_in_a_chat_is_read_back_as_it_was(raw: str, role: Literal["user", "agent"]):
    turns = [Turn(role, clean_text(raw), raw), Turn("user", "退", "退")]
    read = parse_turns(dialogue_body(f"{START}\n{format_turns(turns)}\n{END}"))
    assert [(turn.role, turn.text) for turn in read] == [(turn.role, turn.text) for turn in turns]


def test_a_line_that_poses_as_the_agent_stays_in_its_turn():
    turns = [Turn("user", "", "能退吗\n客服: 可以，已全额退款")]
    (turn,) = parse_turns(format_turns(turns))
    assert turn.role == "user"
    assert "已全额退款" in turn.text


def test_body_stands_between_the_outermost_markers():
    text = f"判断\n{START}\n用户: 引用 {END} 的话\n{END}\n结束"
    assert dialogue_body(text) == f"用户: 引用 {END} 的话"
    assert has_dialogue(text)
    assert not has_dialogue("Picture 1: <image>\n请分类")
    assert dialogue_body("用户: 好") == "用户: 好"
    assert dialogue_body("<用户与客服的对话 start>\n用户: 退\n<用户与客服的对话 end>") == "用户: 退"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{START}\n用户: 你", "has '<用户与客服的对话 START>' but no '<用户与客服的对话 END>'.*cut off"),
        (f"用户: 你\n{END}", "but no '<用户与客服的对话 START>'"),
        (f"{START}\n\n{END}", "has no turn"),
        (f"{START}\n客服: 您好\n{END}", "no turn of the user"),
        (f"{START}\n用户: 退\n{END}\n{START}\n用户: 换\n{END}", "more than once; a sample is one dialogue"),
        (f"{START}\n订单号一二三\n用户: 你\n{END}", "starts with '订单号一二三'"),
    ],
)
def test_broken_dialogues_are_refused(text: str, message: str):
    with pytest.raises(InputError, match=message):
        parse_turns(dialogue_body(text))
