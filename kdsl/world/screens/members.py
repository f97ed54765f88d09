"""Membership and virtual goods, whose pages fall under several labels: details of a card, a shop's club, gifts."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_page import main_image, product_top
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.theme import BLACK, WHITE
from kdsl.world.screens.words import Words


def card_rights(page: Page, words: Words) -> None:
    """What a membership card holds, right by right."""
    page.title_bar(words.pick("88VIP|会员权益|权益详情"))
    page.y += 70
    page.centred(page.y - 50, words.pick("会员权益已生效|会员权益说明|开通即享"), 20, bold=True)
    with page.card():
        for right in page.rng.sample(words.book["member_rights"], page.rng.randint(5, 9)):
            page.oval(page.left + 12, page.y + 12, 11, vivid(page.rng))
            page.text(page.left + 34, page.y + 5, right, 14)
            page.text(
                page.right,
                page.y + 6,
                words.pick("生效后要再领一次|已生效|有效期已延长"),
                12,
                page.theme.muted,
                align="r",
            )
            page.y += 36


def service_agreement(page: Page, words: Words) -> None:
    """A service that renews itself: dates, number, terms."""
    page.title_bar(words.pick("服务详情|自动续费|保障内容|服务说明"))
    with page.card():
        for key, value in (
            ("服务名称", words.pick("88VIP年卡|退货包运费|连续包月")),
            ("预计下次扣款", words.stamp(-6000, "%Y-%m-%d")),
            ("开通时间", words.stamp(3000, "%Y-%m-%d %H:%M")),
            ("服务协议号", words.number(14)),
        ):
            page.pair(key, value, private=key == "服务协议号")
    with page.card():
        page.heading(words.pick("服务说明|保障内容"))
        page.note(
            words.pick(
                "服务到期前一天会自动续费，可以随时取消。|"
                "因买家原因退换货时，会员可享退换货运费补贴，超出最高抵扣金额的部分自付。"
            ),
            colour=page.theme.ink,
        )
        for key in words.some("扣款方式|看这个商户的账单|联系商家|帮助中心|关闭服务", 2, 5):
            page.pair(key, ">")


def detail_viewer(page: Page, words: Words) -> None:
    """A detail picture in a black viewer with the buy bar below."""
    product = words.product()
    page.fill(0, 0, WIDTH, page.height, BLACK)
    page.status_bar(colour=BLACK, ink=WHITE)
    count = page.rng.randint(6, 30)
    page.centred(page.y + 8, f"{page.rng.randint(2, count)}/{count}", 14, WHITE)
    page.y += page.rng.uniform(60, 140)
    if words.chance(0.4):
        bottom = page.y + page.rng.uniform(320, 420)
        page.fill(0, page.y, WIDTH, bottom, vivid(page.rng))
        page.centred(page.y + 24, words.pick("发货公告|温馨提示|致歉信|退换须知|型号齐全"), 26, WHITE, bold=True)
        page.paragraph(
            30,
            page.y + 80,
            words.pick(
                "亲爱的顾客，由于订单较多，预计发货时间会推迟，请您谅解。|"
                "因工作人员疏忽，价格设置有误，恳请已下单的顾客申请退款。|"
                "请按实际尺寸选购，定制商品不退不换。"
            ),
            17,
            WHITE,
            width=300,
        )
        page.y = bottom
    else:
        main_image(page, words, product, page.y + 360)
    page.theme = type(page.theme)(page.theme.app, card=BLACK, ink=WHITE)
    page.text(16, page.height - 92, words.pick("款式 选择|图集 款式|热销"), 13, WHITE)
    page.text(
        16,
        page.height - 74,
        f"券后{words.price(product.price)}起 优惠前{words.price(product.price * 1.2)}起",
        12,
        WHITE,
    )
    page.buy_bar(["加入购物车", words.pick("领券购买|立即购买")], ())


def structure_picture(page: Page, words: Words) -> None:
    """A picture that names the parts or colours of a product, no app around it."""
    page.photo = True
    page.height = page.rng.choice((360, 480, 640))
    page.thing(0, 0, WIDTH, page.height, words.product().thing)
    names = (
        "安全阀",
        "加厚底",
        "304不锈钢",
        "防滑手柄",
        "可拆洗",
        "1#白色",
        "2#浅灰",
        "3#深灰",
        "5#黑色",
        "长20cm",
        "宽15cm",
        "说明书",
        "配件袋",
        "密封圈",
    )
    for name in page.rng.sample(names, page.rng.randint(3, 9)):
        x, y = page.rng.uniform(10, 270), page.rng.uniform(20, page.height - 30)
        page.stroke((x, y + 10), (180, page.height / 2), colour=(90, 90, 90))
        page.text(x, y, name, page.rng.choice((12, 14, 17)), BLACK, bold=words.chance(0.5))


def gift_list(page: Page, words: Words) -> None:
    """Buy so many, get gifts: the panel on a product page."""
    product_top(page, words)
    with page.sheet(page.rng.uniform(120, 280), words.pick("优惠明细|赠品|活动详情")):
        page.heading(words.pick("送赠品|买就送|买赠活动"))
        for count in range(1, page.rng.randint(3, 5)):
            page.note(f"买{count}件送赠品，赠完即止")
            page.goods(words.product(), price=False)
        page.button(18, page.height - 60, WIDTH - 36, words.pick("关闭|我知道了"), height=38)


def shop_club(page: Page, words: Words) -> None:
    """A shop's club: points, gifts for new members."""
    page.title_bar(words.pick("会员中心", words.shop))
    page.tabs(words.pick("首页,分类,新品,直播,会员|宝贝,作品,会员").split(","), 2)
    with page.card():
        page.pair("会员积分>", "已领权益>")
        page.note(f"我们陪伴您的第{page.rng.randint(1, 900)}天")
    with page.card():
        page.heading(words.pick("新会员入会礼包|积分兑好礼|生日礼"), words.pick("注销会员>|"))
        page.coupon(f"¥{page.rng.choice((10, 20, 50))}", "满700可用", "入会礼", words.pick("去使用|立即领取"))
        page.note(words.pick("消费1元累积1积分，积分可兑换礼品|每月8日会员日积分翻倍"))
    page.strip("会员专享", 1)


def subsidy_list(page: Page, words: Words) -> None:
    """Subsidised goods one below the other, each with its rush button."""
    page.fill(0, 0, WIDTH, page.height, (226, 24, 54))
    page.title_bar(words.pick("百亿补贴|疯狂闪降节|今日精选|官方补贴"))
    page.tabs(["今日精选", "数码", "母婴", "美妆", "食品"])
    for _ in range(5):
        with page.card():
            product = words.product()
            page.goods(product, price=False, count=None)
            page.text(
                page.left + 82, page.y - 22, f"补贴价{words.price(product.price)}", 15, page.theme.accent, bold=True
            )
            page.button(page.right - 80, page.y - 30, 80, words.pick("立即抢购|马上抢"), height=26)
            page.note(f"已补{page.rng.randint(5, 600)}元 买贵就赔 7天无理由退货")
    if words.chance(0.3):
        page.foot_buttons([words.pick("去我的订单|分享给好友")])
