"""One parcel's journey: maps, logs, the order beneath."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.words import Words

Step = tuple[str, str, str]
PROMISES = ["7天无理由退换", "假一赔四", "破损包退", "全程价保", "退货包运费", "7天无理由退货", "极速退款"]


def moving(words: Words) -> str:
    """A line of a courier's log on the way."""
    here, there = words.site(), words.site()
    city = words.city()
    return words.pick(
        f"您的快件离开【{here}】，已发往【{there}】",
        f"【{city}市】已离开 {here}；发往 {there}",
        f"快件到达【{here}】",
        f"快件离开【{here}】，正在发往下一站",
        f"【{city}市】快件已到达 {here}",
        f"您的快件已到达【{here}】",
        f"包裹已到达【{here}】，准备发往【{there}】",
    )


def journey(words: Words, count: int, *, last: str = "") -> list[Step]:
    """A healthy log, newest first; `last` names the newest state ('派送中')."""
    newest = last or words.pick("运输中|派送中|已签收|待取件|已揽件|已发货")
    order = ["已下单", "已发货", "已揽件", "运输中", "派送中", "待取件", "已签收"]
    station = words.pick("菜鸟驿站|代收点|快递柜|妈妈驿站|兔喜生活|门口")
    body = {
        "已下单": words.pick("商品已经下单|您的订单待配货"),
        "已发货": words.pick("包裹等待揽收|商家已发货，等待快递揽收|您的订单已从仓库发出"),
        "已揽件": f"您的快件在【{words.site()}】已揽收，揽收人：{words.pick('李|王|张')}师傅",
        "派送中": words.pick(
            "快递员正在配送",
            f"【{words.site()}】的快递员正在为您派件，请保持电话畅通",
            "您的包裹正在派送途中，请准备签收",
        ),
        "待取件": words.pick(
            f"您的包裹已存放至【{station}】，请凭取件码及时取件",
            f"快件已暂存至{station}，请及时领取",
            "包裹已到驿站，记得来取",
        ),
        "已签收": words.pick(
            "包裹本人签收了，有问题可以找快递员",
            f"您的快件代签收({station})，有疑问请打快递员电话",
            f"已签收，签收人是【{station}】，感谢使用{words.courier}，欢迎下次再来",
        ),
    }
    steps: list[Step] = []
    hours = words.rng.uniform(0, 5)
    for state in order[order.index(newest) :: -1]:
        for repeat in range(words.rng.randint(1, 4) if state == "运输中" else 1):
            text = moving(words) if state == "运输中" else body[state]
            steps.append((state if repeat == 0 or words.chance(0.2) else "", _time(words, hours), text))
            hours += words.rng.uniform(2, 14)
    return steps[:count]


def _time(words: Words, hours: float) -> str:
    return words.pick(words.short(hours), words.stamp(hours), words.short(hours))


def waybill(page: Page, words: Words, *, call: bool = True) -> None:
    """The row with the courier's name, the number, 复制 and 打电话."""
    page.oval(page.left + 8, page.y + 10, 8, page.theme.accent_2)
    page.text(page.left + 22, page.y + 4, words.courier + " " + words.number(13), 13, private=True)
    right = page.right
    for text in ("打电话", "复制") if call else (words.pick("分享|详情"), "复制"):
        right -= page.text(right, page.y + 4, text, 12, page.theme.muted, align="r") + 10
    page.y += 28


def order_card(page: Page, words: Words) -> None:
    """The product of the parcel, with a link to the order."""
    with page.card():
        if words.chance(0.6):
            page.note(words.pick("号码保护中", "取件出示虚拟号>", "收货信息：" + words.address()))
        page.goods(words.product(), tags=words.some(PROMISES, 1, 2))
        page.centred(page.y, words.pick("查看全部订单信息√|查看全部订单信息"), 12, page.theme.muted)
        page.y += 18


def head(page: Page) -> None:
    """A bar without a title over a map: back arrow, 订阅 and 客服."""
    page.status_bar(ink=page.theme.ink, colour=page.theme.card)
    page.fill(0, page.y, WIDTH, page.y + 34, page.theme.card)
    page.text(14, page.y + 8, "<", 17, page.theme.ink)
    page.text(WIDTH - 100, page.y + 10, "订阅", 12, page.theme.ink)
    page.text(WIDTH - 58, page.y + 10, "客服", 12, page.theme.ink)
    page.y += 34


def map_and_log(page: Page, words: Words) -> None:
    """A map on top, the newest steps in a card, the order beneath."""
    state = words.pick("运输中|派送中|待取件|已签收")
    head(page)
    bubble = words.pick(
        "包裹快到目的地了",
        f"预计{words.stamp(-24, '%-m.%-d')}送达",
        "预计明天前送达",
        "已放入代收点",
        "快递员在派送中",
        "温馨提示中",
    )
    page.map_area(
        page.rng.uniform(150, 330), bubble, words.pick("", f"当前离开{words.city()}市", f"下一站 {words.city()}市")
    )
    with page.card():
        waybill(page, words)
        steps = journey(words, page.rng.randint(1, 4), last=state)
        first = steps[0]
        page.timeline([(first[0], first[1] + words.pick("| 详细信息>"), first[2]), *steps[1:]])
        page.note(words.pick("查看更多物流明细|展开更多物流明细√|详细信息>"))
    order_card(page, words)
    if words.chance(0.6):
        page.rewards()
    page.strip("", 1)


def detail_sheet(page: Page, words: Words) -> None:
    """The whole log in a panel over the map."""
    head(page)
    page.map_area(300, "")
    order_card(page, words)
    with page.sheet(page.rng.uniform(70, 250), words.pick("详细信息|物流明细|物流详情")):
        if words.chance(0.4):
            page.text(70, page.y, "物流客服", 12, align="c")
            page.text(170, page.y, "投诉物流", 12, align="c")
            page.y += 24
        waybill(page, words)
        page.timeline(journey(words, 12))


def shipped_order(page: Page, words: Words) -> None:
    """The order page after dispatch: the countdown, then the log."""
    page.title_bar("卖家已发货", centred=False)
    page.note(f"{words.left()}自动确认")
    with page.card():
        waybill(page, words)
        page.timeline(journey(words, page.rng.randint(3, 6)))
        page.note("展开更多物流明细√")
    order_card(page, words)
    if words.chance(0.5):
        page.rewards()
    page.foot_buttons(["延长收货", "查看物流", "确认收货"], left=["更多"])


def cainiao_parcel(page: Page, words: Words) -> None:
    """Cainiao's page of a parcel, with its adverts."""
    page.status_bar()
    page.map_area(230, words.pick("|包裹已签收"), "")
    with page.card():
        waybill(page, words, call=False)
        page.timeline(journey(words, 3))
        page.note("展开")
    with page.card():
        page.heading("快递电话", "客服")
        page.note("-为你推荐 来自阿里妈妈-")
    page.strip(words.pick("每日首次查件+20裹酱|好物推荐"), 1)


def sent_parcel(page: Page, words: Words) -> None:
    """A parcel that the user sends by Cainiao Guoguo."""
    page.title_bar("订单详情")
    page.heading(words.pick("即将开始运输>|运输中>|已签收>|快递员已揽收>"))
    page.note(words.pick("快递网点发件后会开始运输|包裹正在运往目的地|欢迎下次再来"))
    with page.card():
        page.pair("菜鸟裹裹全程有保障", "去看看")
        page.note("寄件时有不明白的，可以问寄件助手")
    with page.card():
        page.timeline(journey(words, 3))
        page.buttons(["联系快递员", "客服"], None)
    with page.card():
        page.heading("快递员来取件，您满意吗?", "匿名")
        page.chips(["非常不满", "不满意", "一般", "比较满意", "非常满意"])
    with page.card():
        page.pair("寄", words.address(), private=True)
        page.pair("收", words.address(), private=True)
        page.note("查看退货商品详情>")


def plain_log(page: Page, words: Words) -> None:
    """A page called 物流详情 with courier, number and the log alone."""
    page.title_bar(words.pick("物流详情|查看物流|物流跟踪"))
    with page.card():
        page.pair("物流公司", words.courier)
        page.pair("运单号码", words.number(14), private=True)
        page.pair("官方电话", "95" + words.number(3))
    with page.card():
        page.timeline(journey(words, 14))


def pickup_code(page: Page, words: Words) -> None:
    """A parcel that waits at a station: code, address, opening hours."""
    page.title_bar(words.pick("包裹详情|取件详情|待取件"))
    with page.card():
        page.text(page.left, page.y, "取件码", 12, page.theme.muted)
        page.text(
            page.left,
            page.y + 18,
            f"{words.number(1)}-{words.number(1)}-{words.number(4)}",
            26,
            bold=True,
            private=True,
        )
        page.y += 54
        page.pair("菜鸟驿站", words.address(), private=True)
        page.pair("营业时间", "08:30-21:00")
        page.buttons(["导航", "联系驿站", "帮我取"])
    with page.card():
        waybill(page, words)
        page.timeline(journey(words, 4, last="待取件"))
    page.strip("猜你喜欢", 1)


def seconds_delivery(page: Page, words: Words) -> None:
    """Same-city delivery with minutes left and a rider."""
    head(page)
    page.map_area(380, f"预计{words.stamp(0, '%H:%M')}送达", "骑手正在送货")
    with page.card():
        page.heading(words.pick("骑手配送中|骑手已取货|商家备货中"), words.pick("小时达|天猫超市"))
        page.note(f"配送员距您{page.rng.randint(1, 9)}00米，请保持电话畅通")
        page.buttons(["联系骑手", "联系客服"])
    order_card(page, words)


def big_state(page: Page, words: Words) -> None:
    """A large state, a bar with stations, the log."""
    state = words.pick("运输中|派送中|已签收|待取件|已揽件")
    page.title_bar(words.pick("包裹跟踪|物流信息|快递详情|运单详情"), right=words.pick("订阅|客服").split())
    with page.card():
        page.heading(words.pick("|包裹") + state, words.pick("预计明天送达|预计今天 20:00 前"), size=20)
        page.steps_bar(["已发货", "已揽收", "运输中", "派送中", "已签收"], page.rng.randint(1, 4))
        page.note(words.say("courier_lines"), colour=page.theme.ink)
        page.buttons(words.some("联系快递员|复制单号|催派送|修改派送时间|放门口", 2, 3), None)
    with page.card():
        waybill(page, words)
        page.timeline(journey(words, 9, last=state))
    page.strip("", 1)


def overseas_journey(page: Page, words: Words) -> None:
    """A parcel from abroad: customs, flight, the bonded store."""
    page.title_bar(words.pick("物流详情|跨境物流|国际包裹"))
    with page.card():
        page.pair(words.pick("天猫国际|海外直邮|菜鸟保税仓"), words.number(13) + " 复制", private=True)
        page.steps_bar(["海外出库", "国际运输", "清关", "国内派送"], page.rng.randint(0, 3))
        lines = [
            "清关完成，转国内快递配送",
            "包裹清关中，海关正在审核",
            "航班已抵达" + words.city() + "机场",
            "包裹等待装上航班",
            "保税仓已出库，等待海关放行",
            "订单申报已通过",
            "海外仓库正在打包",
            "商家已通知仓库发货",
        ]
        page.timeline(
            [("", words.stamp(9 * i, "%m-%d %H:%M"), x) for i, x in enumerate(lines[page.rng.randint(0, 3) :])]
        )
    page.rows(("收件人", "李**"), ("申报人", "已认证"), ("国内快递", words.courier), private=("收件人",))


def installed_delivery(page: Page, words: Words) -> None:
    """Large goods: delivered to the flat by appointment."""
    page.title_bar(words.pick("大件配送|送装服务|配送详情|日日顺配送"))
    page.banner(
        words.pick("已预约配送|货物已到本地仓|师傅已出发|送货上楼中"), [words.stamp(-20, "%m月%d日 09:00-18:00")]
    )
    with page.card():
        page.pair(words.pick("送货师傅 |配送员 ") + words.pick("陈师傅|刘**"), "拨打电话")
        page.timeline(
            [
                ("派送中", words.short(1), "货物由" + words.site() + "发车，请保持电话畅通"),
                ("到达本地服务网点", words.short(10), words.site()),
                ("干线运输", words.short(30), moving(words)),
                ("已出库", words.short(50), words.city() + "中央仓"),
            ]
        )
    with page.card():
        page.goods(words.product())
        page.pair("配送地址", words.address(), private=True)
    page.foot_buttons(["改约时间", "联系网点"], None)


def proof_of_delivery(page: Page, words: Words) -> None:
    """The photo that the courier took at the door, or the station's record."""
    page.title_bar(words.pick("签收详情|签收凭证|投递照片|包裹已送达"))
    page.thing(20, page.y + 8, WIDTH - 20, page.y + 240, "box")
    page.y += 250
    with page.card():
        page.heading(words.pick("已送达门口|已签收|已放入快递柜|本人签收"), words.short(3))
        page.note(
            words.pick("派件员拍照留存|包裹放在家门口，请及时取回|由驿站代收，出库照片如上"), colour=page.theme.ink
        )
        waybill(page, words)
        page.timeline(journey(words, 3, last="已签收"))
        page.buttons(words.pick("没收到货,确认签收|评价快递员,联系快递员").split(","), None)


def parcel_chat(page: Page, words: Words) -> None:
    """The journey told by the parcel service's messages."""
    page.title_bar(words.pick("交易物流|服务通知|物流助手"))
    for index, state in enumerate(words.some("订单已发货|订单派送中|包裹已签收|快件已揽收", 2, 3)):
        page.centre(words.short(20 * (3 - index)), 11, page.theme.muted)
        with page.card():
            page.heading(state)
            page.goods(words.product(), price=False, count=None, side=50)
            page.pair(words.courier, words.number(13), private=True)
            page.note(words.say("courier_lines"))
            page.pair("查看物流", ">")


def first_dispatch(page: Page, words: Words) -> None:
    """The parcel is being prepared; dispatch promised."""
    page.title_bar(words.pick("等待发货|仓库处理中|发货进度|物流详情"))
    page.map_area(160, words.pick("商家打包中|等待揽收|仓库处理中"), "")
    with page.card():
        page.heading(words.pick("预计今天24点前发货|承诺48小时内发货|等待快递员揽收"))
        page.timeline(
            [
                (words.pick("等待揽收|包裹出库|拣货打包"), words.short(2), words.pick("快递员将上门揽收|仓库作业中")),
                ("商家接单", words.short(10), "您的订单开始处理"),
                ("付款成功", words.short(11), ""),
            ]
        )
        page.goods(words.product(), price=False)
    page.foot_buttons(words.pick("提醒发货,修改地址|催发货,联系商家").split(","), None)
