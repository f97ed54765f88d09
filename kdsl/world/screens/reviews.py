"""Reviews: of a product, the user's own, those elsewhere, and the scores, questions and comments around them."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.theme import BLACK, mix
from kdsl.world.screens.toolkit import PRODUCT_TABS
from kdsl.world.screens.words import Words


def review(page: Page) -> str:
    """A review that nobody wrote."""
    words, rng = page.words, page.rng
    return (
        words.say("review_openings")
        + "，".join(rng.sample(words.book["review_middles"], rng.randint(1, 4)))
        + words.say("review_endings")
    )


def _review(page: Page, words: Words, *, pictures: int = 0) -> None:
    page.oval(page.left + 12, page.y + 12, 12, vivid(page.rng))
    page.text(page.left + 32, page.y, words.say("nicknames"), 13, private=words.chance(0.5))
    page.text(
        page.right, page.y + 1, words.stamp(900, words.pick("%-m月%-d日|%Y-%m-%d")), 11, page.theme.muted, align="r"
    )
    if words.chance(0.4):
        page.stars(page.left + 100, page.y, page.rng.randint(1, 5))
    page.y += 20
    page.note("已购 " + words.product().spec, size=11, most=1)
    page.note(review(page), colour=page.theme.ink, size=14)
    for index in range(pictures):
        page.thing(page.left + index * 106, page.y, page.left + index * 106 + 100, page.y + 100)
    page.y += 108 if pictures else 4


def review_list(page: Page, words: Words) -> None:
    """Reviews below a product."""
    rng = page.rng
    page.status_bar()
    page.search_bar("搜索", words.pick("|分享"), back=True) if words.chance(0.3) else page.tabs(PRODUCT_TABS, 1)
    page.tabs(
        [
            f"全部({rng.randint(5, 900)})",
            f"图/视频({rng.randint(1, 90)})",
            "追评",
            words.pick(f"好评({rng.randint(3, 99)})", "最新"),
            f"中/差评({rng.randint(0, 9)})",
        ]
    )
    if words.chance(0.5):
        page.note("综合 最新  请写真实有用的评价")
    while page.y < page.height - 120:
        with page.card():
            _review(page, words, pictures=rng.choice((0, 0, 2, 3)))
            if words.chance(0.5):
                page.pair(words.pick("浏览12|"), words.pick("分享 评论 点赞3|评论1 有用2"))
    page.buy_bar(words.pick("加入购物车,领券购买|加入购物车,立即购买").split(","))


def my_reviews(page: Page, words: Words) -> None:
    """我的评价: the user's own reviews and what waits for one."""
    rng = page.rng
    page.title_bar(words.pick("我的评价|我的评价|评价"), right=["规则"])
    page.tabs(["评价", "问答"])
    page.tabs([words.pick("待评价", f"待评价({rng.randint(1, 20)})"), "可追评", "已评价"], 2)
    page.note("  全部" + words.pick("|  优质(1)"))
    for _ in range(3):
        with page.card():
            page.heading(words.stamp(rng.randint(20, 2000), "%d/%m月"), words.pick("公开|匿名|公开分享"))
            if words.chance(0.5):
                page.note("尺码感受: 合适")
            page.note(words.pick(review(page), review(page), "这位买家没写文字。"), colour=page.theme.ink, size=14)
            for index in range(rng.randint(0, 3)):
                page.thing(page.left + index * 104, page.y, page.left + index * 104 + 98, page.y + 84)
            page.y += 90
            page.note(words.pick("浏览0 评论0 点赞0|浏览2 点赞 0 评论 0|审核中"))
            page.goods(words.product(), price=False, count=None, side=40)
            page.buttons(words.pick("写追评|分享逛逛,写追评|删除,写追评").split(","), None)
    page.note("  评价功能 反馈入口")


def write_review(page: Page, words: Words) -> None:
    """The form for a review."""
    page.title_bar(words.pick("发表评价|公开给大家，也许能上首页|再加几张图，也许能上首页|写追评"))
    with page.card():
        for index in range(page.rng.randint(0, 3)):
            page.thing(page.left + index * 84, page.y, page.left + index * 84 + 76, page.y + 76)
        page.text(
            page.right - 40, page.y + 30, words.pick("可再加3张|添加图视频|可再加5张"), 12, page.theme.muted, align="c"
        )
        page.y += 88
    if words.chance(0.5):
        with page.card():
            page.pair(words.pick("尺码感受|口感味道|新鲜度"), words.pick("偏小  合适  偏大|一般  好  非常好"))
            if words.chance(0.4):
                page.pair("身高体重", "去尺码助手填写>")
    with page.card():
        page.note(words.pick(review(page), "从多个角度评价，可以帮助更多想买的人"), size=14, colour=page.theme.ink)
        page.y += 30
    with page.card():
        page.goods(words.product(), price=False, count=None, side=44)
        for key in ("描述相符", "物流服务", "服务态度"):
            page.text(page.left, page.y + 4, key, 13)
            page.stars(page.left + 80, page.y + 3)
            page.text(page.right, page.y + 4, words.pick("非常好|非常好|一般|好"), 12, page.theme.muted, align="r")
            page.y += 26
    page.note(words.pick("  公开  匿名|  别人可以从评价进我的主页|  同步逛逛"))
    page.foot_buttons(["发布"])


def review_posted(page: Page, words: Words) -> None:
    """A review has just been published."""
    page.title_bar("评价成功")
    with page.card():
        page.heading(words.pick("评价已发布|这篇评价太棒啦！分享能帮助更多人选购~"), "刚刚发布")
        page.thing(page.left, page.y, page.right, page.y + 260)
        page.y += 268
        page.note("提到的宝贝")
        page.goods(words.product(), price=False, count=None, side=40)
        page.note(review(page), colour=page.theme.ink, size=14)
    page.foot_buttons([words.pick("分享到逛逛|继续评价")])


def questions(page: Page, words: Words) -> None:
    """问大家: buyers answer."""
    page.title_bar(words.pick("问大家|宝贝问答|全部问答"))
    for _ in range(4):
        with page.card():
            page.heading("问 " + words.pick("质量怎么样？|会掉色吗|声音大吗？|真的好用吗|多高的人穿合适|多久到货？"))
            for _ in range(page.rng.randint(1, 2)):
                page.note("答 " + review(page), colour=page.theme.ink)
            page.note(f"查看全部{page.rng.randint(2, 40)}个回答  {words.stamp(999, '%Y-%m-%d')}")
    page.foot_buttons(["向已买过的人提问"])


def comments_elsewhere(page: Page, words: Words) -> None:
    """Comments under a post or a live show."""
    page.status_bar()
    page.thing(0, page.y, WIDTH, page.y + 220)
    page.y += 226
    page.note(review(page), colour=page.theme.ink, size=14)
    page.heading(f"共{page.rng.randint(3, 400)}条评论")
    while page.y < page.height - 90:
        page.oval(page.left + 12, page.y + 12, 12, vivid(page.rng))
        page.text(page.left + 32, page.y, words.say("nicknames"), 12, page.theme.muted)
        page.y += 18
        page.left += 32
        page.note(review(page), colour=page.theme.ink, size=13)
        page.note(f"{words.short(40)} {words.city()}  回复")
        page.left -= 32
    page.text(20, page.height - 40, "说点什么...", 13, page.theme.muted)
    page.text(WIDTH - 20, page.height - 40, "点赞 收藏 评论", 12, align="r")


def folded_reviews(page: Page, words: Words) -> None:
    """One review seen large, with the merchant's answer."""
    page.title_bar(words.pick("评价详情|全部评价|宝贝评价"))
    with page.card():
        _review(page, words, pictures=3)
        page.note("追评：" + review(page), colour=page.theme.ink)
        page.note("商家回复：感谢您的支持与信任，欢迎再次光临", most=3)
    with page.card():
        page.heading(words.pick("更多评价|相似评价"))
        _review(page, words)
        _review(page, words)
    page.foot_buttons(["评论", "点赞", "分享"], None)


def review_photos(page: Page, words: Words) -> None:
    """A buyer's picture seen large, the review beneath."""
    page.fill(0, 0, WIDTH, page.height, (10, 10, 12))
    page.theme = type(page.theme)(page.theme.app, page=(10, 10, 12), card=(10, 10, 12), ink=(240, 240, 240))
    page.centred(36, f"{page.rng.randint(1, 9)}/{page.rng.randint(9, 60)}", 14)
    page.thing(0, 110, WIDTH, 500)
    page.y = 520
    page.heading(words.say("nicknames"), words.stamp(600, "%Y-%m-%d"))
    page.note("已购 " + words.product().spec, most=1)
    page.note(review(page), colour=page.theme.ink, size=14)
    page.note(words.pick("有用 分享 评论|点赞2 评论0"))


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
