"""Buyers' voices around a review: the whole of one, scores, questions and answers, comments, writing one."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.reviews import review
from kdsl.world.screens.theme import BLACK, mix
from kdsl.world.screens.words import Words


def review_with_reply(page: Page, words: Words) -> None:
    """One review in full with the seller's reply and follow-up."""
    page.title_bar(words.pick("评价详情|买家秀|评价"))
    with page.card():
        page.oval(page.left + 14, page.y + 14, 14, vivid(page.rng))
        page.text(page.left + 36, page.y + 2, words.say("nicknames"), 13)
        page.text(
            page.left + 36, page.y + 19, words.stamp(900, "%Y-%m-%d") + " 已购：" + words.product().spec, 10, width=270
        )
        page.y += 40
        page.stars(page.left, page.y, page.rng.randint(1, 5))
        page.y += 22
        page.note(review(page) + words.say("review_sentences"), colour=page.theme.ink, size=14)
        page.tiles(page.rng.randint(1, 6))
        page.note(
            words.pick("商家回复：|掌柜回复：") + words.pick("感谢支持，期待再次光临|抱歉给您带来不便，请联系客服处理")
        )
        page.note(f"{page.rng.randint(2, 99)}天后追评：" + words.say("review_sentences"), colour=page.theme.ink)
    page.heading("  " + words.pick(f"共{page.rng.randint(1, 60)}条回复", "全部评论"))
    for _ in range(2):
        page.bubble(words.say("review_sentences"))
    page.foot_buttons([words.pick("写评论…|有用(12)"), words.pick("去购买|回复")], None)


def review_summary(page: Page, words: Words) -> None:
    """Scores, keywords, filters, then reviews in brief."""
    page.title_bar(words.pick("宝贝评价|全部评价|用户评价|买家评价(1万+)"))
    with page.card():
        page.heading(f"好评率{page.rng.randint(86, 100)}%", words.pick("高于同行|评分4.8"))
        page.chips(
            words.some("全部|有图/视频|追评|差评(32)|最新|质量很好(88)|尺码合适(41)|物流快|颜色好看|性价比高", 5, 8), 0
        )
    for _ in range(4):
        with page.card(pad=8):
            page.pair(words.say("nicknames"), words.stamp(page.rng.uniform(20, 4000), "%m-%d"))
            page.note(words.product().spec)
            page.note(
                words.say("review_sentences") + "，" + words.say("review_sentences"), colour=page.theme.ink, size=14
            )
            if words.chance(0.4):
                page.tiles(page.rng.randint(1, 3), columns=4)
            page.text(page.right, page.y, words.pick("赞 评论|有用 12|赞3"), 11, page.theme.muted, align="r")
            page.y += 14


def ask_all(page: Page, words: Words) -> None:
    """问大家: a question with buyers' answers."""
    page.title_bar(words.pick("问大家|全部问题|买家问答"))
    with page.card():
        page.goods(words.product(), price=False, count=None, side=46)
    for _ in range(3):
        with page.card():
            page.heading(words.pick("问 |问：|Q ") + words.say("questions"), f"{page.rng.randint(1, 30)}个回答")
            for _ in range(page.rng.randint(1, 3)):
                page.note(
                    words.pick("答 ", "买过的人：", words.say("nicknames") + "：") + words.say("review_sentences"),
                    colour=page.theme.ink,
                )
    page.foot_buttons([words.pick("我要提问|向买过的人提问|邀请回答")])


def comment_sheet(page: Page, words: Words) -> None:
    """Comments slid up over a video."""
    page.fill(0, 0, WIDTH, page.height, mix(vivid(page.rng), BLACK, 0.6))
    page.thing(60, 40, 300, 220)
    with page.sheet(page.rng.uniform(200, 280), f"{page.rng.randint(8, 9000)}条评论"):
        for _ in range(6):
            page.oval(page.left + 12, page.y + 12, 12, vivid(page.rng))
            page.text(
                page.left + 32, page.y, words.say("nicknames") + words.pick("| 作者| 已购买"), 12, page.theme.muted
            )
            used = page.paragraph(page.left + 32, page.y + 18, words.say("review_sentences"), 14, width=260, most=2)
            page.text(
                page.left + 32,
                page.y + 20 + used,
                words.pick("3天前|昨天|05-12") + " · " + words.city() + "  回复",
                11,
                page.theme.muted,
            )
            page.y += 48 + used
    page.text(
        20, page.height - 40, words.pick("善语结善缘，恶言伤人心|留下你的精彩评论吧|说点什么…"), 13, page.theme.muted
    )


def rate_order(page: Page, words: Words) -> None:
    """Writing a review: stars, tags, pictures, scores of shop and courier."""
    page.title_bar(words.pick("发表评价|评价晒单|追加评价|评价中心"), right=["发布"])
    with page.card():
        page.goods(words.product(), price=False, count=None, side=50)
        page.pair(words.pick("描述相符|总体评价"), "★★★★★" + words.pick("非常好|一般|好"))
        page.chips(words.some("质量不错|做工精细|包装严实|与描述一致|大小合适", 3, 5))
        page.note(
            words.pick(
                "说说使用感受，帮助更多人", "宝贝满足你的期待吗？分享给想买的他们", words.say("review_sentences")
            )
        )
        page.icons(["添加照片", "视频", "匿名"], 4)
    page.rows(("物流服务", "★★★★★"), ("服务态度", "★★★★"))
    with page.card():
        page.choices(["匿名评价", "同步到买家秀"], marked=0)
    page.button(24, page.height - 60, WIDTH - 48, words.pick("提交评价|发布"), height=38)
    if words.chance(0.2):
        page.buttons(["稍后评价"])
