"""The shopping cart."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.theme import WHITE
from kdsl.world.screens.toolkit import APP_TABS
from kdsl.world.screens.tracking import PROMISES
from kdsl.world.screens.words import Words

DEALS = ("每300减50", "每200减20", "每满300减50")
HOME_TABS = ["首页", "逛逛", "消息", "购物车", "我的淘宝"]


def _cart_head(page: Page, words: Words) -> None:
    page.title_bar(
        words.pick(f"购物车({page.rng.randint(1, 160)})", "购物车", f"购物车 {words.say('roads')}..."),
        right=["管理"],
        centred=False,
    )
    if words.chance(0.4):
        page.tabs(words.pick("全部,降价,常购,分类|购物车,收藏夹,分享,管理|官方立减,每300减50,降价,失效").split(","))


def _cart_row(page: Page, words: Words) -> None:
    product = words.product()
    deal = page.rng.choice(DEALS)
    with page.card():
        page.text(
            page.left + 24,
            page.y,
            words.shop if words.chance(0.4) else words.say("brands") + "旗舰店 >",
            13,
            bold=True,
            private=True,
        )
        page.y += 24
        page.oval(page.left + 8, page.y + 34, 8, page.theme.accent if words.chance(0.6) else None, page.theme.muted)
        left = page.left
        page.left += 24
        page.goods(
            product, price=False, count=page.rng.randint(1, 3), tags=[deal, *words.some(PROMISES, 0, 2)], private=True
        )
        page.left = left + 24
        now = product.price * page.rng.uniform(0.6, 0.95)
        page.text(
            page.left,
            page.y,
            f"{words.price(product.price)}|{words.pick('券后|优惠价|到手价')}{words.price(now)}",
            13,
            page.theme.accent,
        )
        page.text(
            page.right, page.y, words.pick("价格波动>", f"降{words.price()}>", ""), 11, page.theme.muted, align="r"
        )
        page.y += 22
        if words.chance(0.3):
            page.note(words.pick("库存不足100件|一周内300+人抢购|24小时100+人抢购|聚划算6月底收官|48小时内发货"))
        if words.chance(0.7):
            page.pair(
                words.pick(
                    "跨店满减 每满300减50,可跨店|店铺优惠 共优惠9.90元|本店活动 已享满1件打8.50折|跨店满减 每满200减20"
                ),
                words.pick("凑单>|领券|找优惠"),
            )
        page.left = left


def _cart_foot(page: Page, words: Words) -> None:
    page.tab_bar(HOME_TABS if words.chance(0.6) else APP_TABS, 3)
    top = page.height - 58 - 74
    page.fill(0, top, WIDTH, top + 26, (255, 240, 230))
    page.text(
        12, top + 7, f"{page.rng.choice(DEALS)} 已减{page.rng.choice((20, 50, 100, 150, 950))}", 12, page.theme.accent
    )
    page.text(WIDTH - 12, top + 7, words.pick("筛选满减>|去凑单>"), 12, page.theme.accent, align="r")
    page.fill(0, top + 26, WIDTH, top + 74, page.theme.card)
    page.oval(20, top + 50, 8, None, page.theme.muted)
    page.text(34, top + 43, "全选", 13)
    page.text(WIDTH - 112, top + 35, f"已选{page.rng.randint(0, 22)}件,合计:{words.price()}", 13, align="r", bold=True)
    page.text(WIDTH - 112, top + 54, f"共减{words.price()} 查看明细", 11, page.theme.accent, align="r")
    page.button(WIDTH - 102, top + 31, 92, words.pick("结算|领券结算|结算(2)"), height=38)


def cart(page: Page, words: Words) -> None:
    """The cart: shops, tick boxes, deals, total and checkout."""
    _cart_head(page, words)
    while page.y < page.height - 150:
        _cart_row(page, words)
    _cart_foot(page, words)


def cart_total(page: Page, words: Words) -> None:
    """金额明细 over the cart."""
    cart(page, words)
    with page.sheet(page.rng.uniform(120, 320), "金额明细"):
        page.centred(page.y - 8, "优惠多少以提交订单时为准", 11, page.theme.muted)
        page.y += 14
        for index in range(4):
            page.thing(20 + index * 66, page.y, 78 + index * 66, page.y + 58)
        page.y += 66
        page.note(f"已选{page.rng.randint(2, 20)}件")
        page.pair("商品总价", words.price(), colour=page.theme.ink)
        for key in words.some("共减|店铺优惠|官方立减|跨店满减|红包|淘金币|首单礼金", 3, 6):
            page.pair(key, "减" + words.price(words.rng.choice((0.0, 6.0, 11.0, 59.6))), colour=page.theme.accent)
        if words.chance(0.4):
            page.note("天猫实物商品红包 当前不可用，单里有宝贝用不了红包")
        page.pair("合计", words.price())
    _cart_foot(page, words)


def cart_gone(page: Page, words: Words) -> None:
    """Goods in the cart that cannot be bought any more."""
    _cart_head(page, words)
    for _ in range(page.rng.randint(1, 3)):
        with page.card():
            page.goods(words.product(), price=False, count=None)
            page.note(words.pick("商品下架|失效|该商品规格已失效"))
            page.pair(words.pick("宝贝买不了了，可问问卖家|商品已不存在"), "找同款")
    page.note("  清空失效宝贝")
    page.strip("你可能还喜欢", 1)
    _cart_foot(page, words)


def cart_fill_up(page: Page, words: Words) -> None:
    """一键凑单 over the cart."""
    cart(page, words)
    with page.sheet(page.rng.uniform(150, 300), words.pick("一键凑单|优惠明细|选择优惠券")):
        for _ in range(3):
            page.goods(words.product(), price=False)
            page.pair("跨店满减 每满300减50,可跨店", "凑单>")
    _cart_foot(page, words)


def cart_plain(page: Page, words: Words) -> None:
    """A cart without festival deals."""
    page.title_bar("购物车", right=["编辑"], centred=True)
    for _ in range(4):
        with page.card():
            page.heading("○ " + words.say("brands") + "店 >", "领券")
            page.goods(words.product(), count=page.rng.randint(1, 4), tags=words.some(PROMISES, 0, 2))
    page.tab_bar(["首页", "分类", "购物车", "我的"], 2)
    top = page.height - 110
    page.fill(0, top, WIDTH, top + 52, page.theme.card)
    page.text(14, top + 18, "○ 全选", 13)
    page.text(WIDTH - 110, top + 17, f"合计:{words.price()}", 14, align="r", bold=True)
    page.button(WIDTH - 100, top + 8, 90, f"结算({page.rng.randint(1, 9)})", height=36)


def cart_manage(page: Page, words: Words) -> None:
    """The cart in its editing mode."""
    page.title_bar("购物车", right=["完成"], centred=False)
    for _ in range(3):
        _cart_row(page, words)
    page.tab_bar(HOME_TABS, 3)
    top = page.height - 108
    page.fill(0, top, WIDTH, top + 50, page.theme.card)
    page.text(34, top + 18, "全选", 13)
    page.left, page.right, page.y = 12, WIDTH - 12, top + 12
    page.buttons(["分享", "移入收藏夹", "删除"])
    if words.chance(0.4):
        page.toast(words.pick("您还没有选择宝贝哦|已移入收藏夹|确定将宝贝删除？"))


def cart_coupon_strip(page: Page, words: Words) -> None:
    """The lower half of the cart, where the goods end and recommendations begin."""
    _cart_head(page, words)
    _cart_row(page, words)
    with page.card():
        page.pair(f"再买{page.rng.uniform(3, 200):.2f}元，可减50", "去凑单>", colour=page.theme.accent)
        page.pair(words.pick("店铺优惠券 满199减20|已享满2件9.5折"), words.pick("领券|查看"))
    page.strip(words.pick("你可能还喜欢|看了又看|购物车里的宝贝降价啦"), 1)
    _cart_foot(page, words)


def supermarket_cart(page: Page, words: Words) -> None:
    """A supermarket's cart with delivery and a threshold for free freight."""
    page.title_bar(words.pick("天猫超市购物车|购物车|超市购物车"), right=["编辑"], centred=True)
    page.note(f"  还差{page.rng.uniform(1, 80):.2f}元包邮 去凑单>", colour=page.theme.accent)
    for _ in range(4):
        with page.card():
            page.oval(page.left + 6, page.y + 30, 7, page.theme.accent)
            left = page.left
            page.left += 22
            page.goods(words.product(), count=None, side=60)
            page.left = left
            page.pair(words.pick("次日达|满99减20|第2件半价"), f"- {page.rng.randint(1, 5)} +")
    top = page.height - 62
    page.fill(0, top, WIDTH, page.height, page.theme.card)
    page.text(16, top + 20, "全选", 13)
    page.text(WIDTH - 112, top + 19, f"合计:{words.price()}", 14, align="r", bold=True)
    page.button(WIDTH - 102, top + 10, 92, f"结算({page.rng.randint(2, 12)})", height=38)


def cart_discount_detail(page: Page, words: Words) -> None:
    """The sum of the cart taken apart, over the cart."""
    page.title_bar(f"购物车({page.rng.randint(2, 120)})", right=["管理"])
    for _ in range(2):
        with page.card():
            page.heading("○ " + words.shop + ">", words.pick("领券|凑单"))
            page.goods(words.product())
    with page.sheet(page.rng.uniform(260, 380), words.pick("金额明细|优惠明细|已选商品明细")):
        for key in ("商品总额", "跨店满减", "店铺优惠", "共减", words.pick("合计|到手价")):
            page.pair(key, words.pick("|-") + words.price())
        page.note(words.pick("实际优惠以结算页为准|还差20元可用满减券"))
    page.foot_buttons(["○ 全选", f"结算({page.rng.randint(1, 12)})"])


def cart_groups(page: Page, words: Words) -> None:
    """The cart by filters: price drops, low stock, in a promotion, and what has gone."""
    page.title_bar(
        words.pick("购物车", f"购物车({page.rng.randint(5, 120)})"), right=words.pick("编辑|管理 搜索").split()
    )
    page.chips(["全部", words.pick("降价 3|满减"), "低库存", "常购", "失效"], 0)
    for _ in range(2):
        with page.card(pad=6):
            page.heading(
                words.pick("○ |✓ ") + words.say("brands") + words.pick("旗舰店|专营店"), words.pick("凑单>|满199减20>")
            )
            for _ in range(page.rng.randint(1, 2)):
                page.goods(
                    words.product(), count=None, tags=words.some("比加入时降12元|仅剩2件|7天无理由|跨店每300减50", 0, 2)
                )
                page.pair("", words.pick("-  1  +|-  2  +|移入收藏  删除"))
    with page.card():
        page.heading(f"失效宝贝{page.rng.randint(1, 9)}件", words.pick("清空|找相似"))
    page.foot_buttons(["全选 合计：" + words.price(), words.pick("去结算|领券结算|结算(2)")])


def cart_swipe(page: Page, words: Words) -> None:
    """A row of the cart opened by a swipe, or a question before it is deleted."""
    page.title_bar(words.pick("购物车|我的购物车"), right=["管理"])
    for index in range(3):
        with page.card():
            page.heading("○ " + words.shop)
            page.goods(words.product())
            if index == 1:
                page.fill(WIDTH - 130, page.y - 76, WIDTH - 70, page.y, (250, 160, 40))
                page.fill(WIDTH - 70, page.y - 76, WIDTH - 8, page.y, (240, 60, 50))
                page.text(WIDTH - 100, page.y - 46, "移入收藏", 12, WHITE, align="c")
                page.text(WIDTH - 40, page.y - 46, "删除", 13, WHITE, align="c")
    page.foot_buttons(["全选  合计 ¥0.00", "结算"])
    if words.chance(0.4):
        page.dialog(
            "",
            words.pick("确定将这个宝贝移出购物车吗？|购物车已满，请先清理|确认删除已失效商品？"),
            ["我再想想", "删除"],
        )
