"""A shop's pages."""

from __future__ import annotations

from kdsl.world.screens.events import amount
from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.theme import WHITE, mix
from kdsl.world.screens.tracking import PROMISES
from kdsl.world.screens.words import Words


def _fans(words: Words) -> str:
    """The line under a shop's name: grade, fans, years."""
    fans = words.pick(words.number(3), words.number(2), "4.2万", "36.5万", "108万")
    return f"{words.pick('★★★★★ ||天猫 ')}{fans}粉丝 {words.pick('|10年老店|每月卖上千件')}"


def _shop_head(page: Page, words: Words) -> None:
    ground = page.rng.choice(((70, 50, 38), (40, 40, 46), (190, 30, 40), (90, 110, 140), (230, 200, 170)))
    page.gradient(0, 118, ground, mix(ground, WHITE, 0.2))
    page.status_bar(colour=ground, ink=WHITE)
    page.text(14, page.y + 8, "< " + words.pick("搜索店内宝贝|店内宝贝|10+人正在逛"), 14, WHITE)
    page.thing(14, page.y + 36, 54, page.y + 76)
    page.text(62, page.y + 38, words.shop, 15, WHITE, bold=True, private=words.chance(0.6))
    page.text(62, page.y + 60, _fans(words), 11, WHITE)
    page.button(WIDTH - 78, page.y + 40, 64, words.pick("+关注|+关注|已关注"), height=26)
    page.y += 84
    if words.chance(0.6):
        page.note(
            "  ".join(words.some("商品体验优秀|服务体验良好|物流体验优秀|保证金已缴|平均一天内发货", 2, 3)),
            colour=page.theme.ink,
        )


def shop_home(page: Page, words: Words) -> None:
    """A shop's page: head, tabs, goods."""
    _shop_head(page, words)
    page.tabs(
        words.pick("推荐,宝贝,分类,新品,晒单|推荐,宝贝,分类,晒单|618,推荐,宝贝,分类,新品|推荐,宝贝,分类").split(","),
        page.rng.choice((0, 1)),
    )
    if words.chance(0.5):
        page.tabs(["综合", "销量", "新品", "价格"])
    elif words.chance(0.5):
        page.gradient(page.y, page.y + 110, vivid(page.rng), vivid(page.rng))
        page.centred(
            page.y + 30, words.pick("全店实付满赠|618年中狂欢节|新品上市|一键入会 锁定好礼"), 24, WHITE, bold=True
        )
        page.centred(page.y + 66, words.pick("实付满399 实付满699|立即抢购|加入会员 解锁福利"), 14, WHITE)
        page.y += 116
    page.strip("", 3)
    page.tab_bar(
        words.pick("首页,宝贝,晒单,客服|首页,宝贝,作品,会员|首页,宝贝,分类,客服").split(","), page.rng.choice((0, 1))
    )


def shop_impression(page: Page, words: Words) -> None:
    """店铺印象: scores, deposit, licence."""
    rng = page.rng
    ground = rng.choice(((64, 44, 34), (46, 40, 38), (84, 60, 46)))
    page.fill(0, 0, WIDTH, page.height, ground)
    page.theme = type(page.theme)(
        page.theme.app,
        card=mix(ground, WHITE, 0.08),
        ink=WHITE,
        muted=(190, 175, 165),
        bar=ground,
        bar_ink=WHITE,
        page=ground,
    )
    page.title_bar("店铺印象", centred=True)
    page.fill(WIDTH / 2 - 30, page.y + 16, WIDTH / 2 + 30, page.y + 76, (240, 110, 30), 6)
    page.centred(page.y + 86, words.shop, 17, bold=True, private=True)
    page.centred(page.y + 110, f"{words.pick('企业店铺 |')}{rng.randint(3, 9999)}粉丝", 12, page.theme.muted)
    page.y += 138
    names = words.pick("综合体验,宝贝质量,物流速度,服务保障|综合体验,商品体验,物流体验,服务体验").split(",")
    with page.card():
        for index, name in enumerate(names):
            x = 50 + index * 86
            page.text(x, page.y, name, 12, align="c")
            page.text(x, page.y + 22, f"{rng.uniform(3, 5):.1f}", 19, align="c", bold=True)
            page.text(
                x,
                page.y + 48,
                f"超过{rng.randint(10, 90)}%同行" if index == 0 else words.pick("高|低|中"),
                10,
                page.theme.muted,
                align="c",
            )
        page.y += 66
    with page.card():
        if words.chance(0.6):
            page.heading("店铺人气", "")
            page.note(words.pick("每月卖几千件|月销超2千件宝贝|100+人正在逛"))
            page.heading("服务保障", "查看说明>")
            page.note(f"平均{rng.randint(8, 40)}小时发货  客服平均{rng.randint(5, 60)}秒响应")
        page.heading("基础信息")
        page.pair("保证金", f"{rng.choice((500, 475, 1000, 2500, 50000))}元")
        for key in words.some("资质证照|店铺声明|店铺名片|开店时间", 2, 4):
            page.pair(key, ">")


def shop_ranking(page: Page, words: Words) -> None:
    """A shop's ranking of its goods."""
    _shop_head(page, words)
    page.tabs(["推荐", "宝贝", "分类", "新品"], 0)
    page.chips(["销量榜", "收藏榜", "新品榜"], 0)
    for index in range(4):
        with page.card():
            page.heading(f"TOP 0{index + 1}", f"{page.rng.randint(2, 30)}个客官感兴趣")
            page.goods(words.product(), count=None)
            page.note(words.sold())
    page.note("  查看全部")
    page.tab_bar(["首页", "宝贝", "晒单", "客服"])


def shop_profile(page: Page, words: Words) -> None:
    """店铺资料: few lines."""
    page.title_bar(words.pick("店铺资料|店铺详情|店铺信息"), centred=True)
    with page.card():
        page.thing(page.left, page.y, page.left + 44, page.y + 44)
        page.text(page.left + 54, page.y + 4, words.shop, 15, bold=True, private=True)
        page.text(page.right, page.y + 12, words.pick("已关注|+关注"), 12, page.theme.accent, align="r")
        page.y += 56
    with page.card():
        page.note("宝贝描述4.8高 卖家服务4.7高 物流4.9高")
    for text in ("进入店铺", "联系客服"):
        page.fill(0, page.y, WIDTH, page.y + 46, page.theme.card)
        page.centred(page.y + 15, text, 15, page.theme.accent)
        page.y += 50


def shop_categories(page: Page, words: Words) -> None:
    """A shop's categories."""
    _shop_head(page, words)
    page.tabs(["推荐", "宝贝", "分类", "新品", "晒单"], 2)
    for entry in page.rng.sample(words.book["products"], 7):
        with page.card(pad=6):
            page.heading(entry["noun"], "查看全部>")
            page.note("  ".join(trait + entry["noun"] for trait in entry["traits"][:2]))
    page.tab_bar(["首页", "宝贝", "分类", "客服"], 2)


def shop_search(page: Page, words: Words) -> None:
    """Search inside a shop."""
    page.search_bar("搜索店铺内宝贝", "搜索")
    page.heading("  店铺热搜")
    page.chips(words.some([entry["noun"] for entry in words.book["products"]], 5, 8))
    page.heading("  大家都在逛这些")
    page.strip("", 2)


def shop_brand(page: Page, words: Words) -> None:
    """A brand's flagship shop with coupons for members."""
    _shop_head(page, words)
    page.tabs(["618", "推荐", "宝贝", "分类", "新品"], 0)
    page.gradient(page.y, page.y + 150, vivid(page.rng), vivid(page.rng))
    page.centred(page.y + 34, words.pick("满场好物618|品牌会员日|开学季"), 28, WHITE, bold=True)
    page.centred(page.y + 80, "限时好价 分期免息", 13, WHITE)
    page.centred(page.y + 112, "立即抢购", 16, WHITE, bold=True)
    page.y += 158
    page.note("  正规发票  售后一对一服务  闪电发货  分期免息  终身售后", colour=page.theme.ink)
    page.strip("", 1)
    page.tab_bar(["首页", "宝贝", "会员", "客服"])
    if words.chance(0.2):
        page.dialog("关注店铺", "关注后可领取店铺优惠，第一时间获得上新提醒", ["取消", "关注"])


def shop_fans(page: Page, words: Words) -> None:
    """A short cut: the shop's row with scores, as users cut it from a page."""
    page.height = page.rng.randint(120, 240)
    page.fill(0, 0, WIDTH, page.height, page.theme.card)
    page.y = 16
    page.thing(14, page.y, 58, page.y + 44)
    page.text(68, page.y + 2, words.shop, 15, bold=True, private=True)
    page.text(68, page.y + 24, f"{page.rng.randint(20, 9999)}粉丝", 12, page.theme.muted)
    page.y += 56
    page.note("宝贝描述4.8高 卖家服务4.7高 物流4.9高", colour=page.theme.ink)
    page.buttons(words.some([*PROMISES[:1], "进店逛逛", "全部宝贝"], 2, 2), None)


def shop_new_arrivals(page: Page, words: Words) -> None:
    """The shop by date or sales: tabs, filters, two columns."""
    page.search_bar("搜索本店", words.pick("分类|搜索"))
    page.oval(34, page.y + 22, 20, vivid(page.rng))
    page.text(64, page.y + 6, words.shop, 16, bold=True, private=words.chance(0.3))
    page.text(64, page.y + 30, "  ".join(words.few("shop_lines", 1, 2)), 11, page.theme.muted)
    page.button(WIDTH - 78, page.y + 8, 66, words.pick("关注|已关注|+ 订阅"), height=26)
    page.y += 54
    page.tabs(
        words.pick("首页,宝贝,新品,买家秀|推荐,宝贝,活动,直播,动态|精选,全部,上新,会员").split(","),
        page.rng.randint(0, 2),
    )
    page.chips(["综合", "销量", "价格", "新品", "筛选"], 0)
    page.strip("", 2)
    page.tab_bar(words.pick("首页,全部宝贝,客服|店铺,宝贝,会员,客服").split(","))


def shop_card(page: Page, words: Words) -> None:
    """About the shop: scores, licence, years, location."""
    page.title_bar(words.pick("店铺信息|店铺印象|商家资质|店铺详情|关于店铺"))
    with page.card():
        page.heading(words.shop, words.pick("关注|已关注"))
        page.note("  ".join(words.few("shop_lines", 3, 5)), colour=page.theme.ink)
    page.rows(
        ("宝贝描述", f"4.{page.rng.randint(5, 9)} 高"),
        ("卖家服务", f"4.{page.rng.randint(5, 9)} 高"),
        ("物流服务", f"4.{page.rng.randint(5, 9)} 平"),
    )
    page.rows(
        ("掌柜名", words.say("nicknames")),
        ("所在地", words.city()),
        ("开店时间", words.stamp(30000, "%Y-%m-%d")),
        ("企业资质", "营业执照>"),
        ("服务电话", "商家客服"),
        ("店铺二维码", ">"),
        keep=0.8,
    )
    page.foot_buttons(words.pick("进店逛逛,联系客服|全部宝贝").split(","))


def shop_live_home(page: Page, words: Words) -> None:
    """A shop's dressed home: slogan poster, coupons of the shop, best sellers, members."""
    tone = vivid(page.rng)
    page.gradient(0, 260, tone, page.theme.page)
    page.status_bar(colour=tone, ink=WHITE)
    page.text(14, page.y + 8, words.shop, 17, WHITE, bold=True)
    page.text(14, page.y + 32, words.pick("粉丝32.1万  |98%好评  |") + words.say("shop_lines"), 11, WHITE)
    page.text(WIDTH - 14, page.y + 14, words.pick("关注|已关注|直播中"), 14, WHITE, align="r")
    page.y += 56
    page.thing(12, page.y, WIDTH - 12, page.y + 130)
    page.text(30, page.y + 20, words.say("events"), 24, WHITE, bold=True)
    page.y += 138
    if words.chance(0.5):
        page.tickets([(*amount(words), "") for _ in range(3)])
    page.heading("  " + words.pick("本店热销榜|掌柜推荐|新品上架|人气爆款"), "查看全部>")
    page.strip("", 1)
    page.tab_bar(["首页", words.pick("全部宝贝|宝贝"), words.pick("分类|动态"), words.pick("会员|活动"), "客服"])
