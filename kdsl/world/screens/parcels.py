"""Several parcels on one page."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.toolkit import MESSAGE_TABS, ORDER_TABS
from kdsl.world.screens.tracking import moving
from kdsl.world.screens.words import Words

STATES = ["运输中", "派送中", "待取件", "已签收", "已发货", "待揽收", "已揽收"]


def _parcel_row(page: Page, words: Words, state: str, *, action: str = "") -> None:
    product = words.product()
    page.thing(page.left, page.y, page.left + 54, page.y + 54, product.thing)
    x = page.left + 64
    page.text(x, page.y, state, 14, page.theme.accent, bold=True)
    page.text(
        x,
        page.y + 20,
        words.pick(product.title, words.courier + " " + words.number(13)),
        12,
        private=words.chance(0.7),
        width=220,
    )
    page.text(x, page.y + 38, words.pick(moving(words), "", words.short(9)), 11, page.theme.muted, width=page.right - x)
    if action:
        page.button(page.right - 66, page.y - 2, 66, action, main=False, height=24)
    page.y += 64


def cainiao_home(page: Page, words: Words) -> None:
    """Cainiao's list of parcels on the way."""
    rng = page.rng
    page.title_bar("菜鸟", right=["添加包裹"])
    page.heading(f"  {words.pick('在途包裹|我的包裹')}  收件{rng.randint(1, 30)} 寄件{rng.randint(0, 9)}")
    names = ["待寄出", "待收件", "派送中", "运输中", "已签收"]
    page.tabs([f"{name}{rng.randint(0, 9)}" for name in names], rng.randint(0, 4))
    with page.card():
        for _ in range(rng.randint(3, 6)):
            _parcel_row(page, words, words.pick("已签收|运输中|派送中|待取件|待揽收"))
        page.note("查看全部包裹")
    page.strip("这些商品也许合你的心意", 1)
    page.tab_bar(["首页", "发现", "裹裹券", "我的"])


def order_logistics(page: Page, words: Words) -> None:
    """Taobao's messages about parcels: one card a parcel."""
    page.title_bar(words.pick("交易物流|通知|订单物流消息"), right=["设置"])
    if words.chance(0.6):
        page.tabs(MESSAGE_TABS)
    for index in range(page.rng.randint(3, 5)):
        with page.card():
            page.heading(
                words.pick("订单物流消息|淘订单退换消息|订单物流消息"),
                words.pick(words.stamp(index * 20, "%H:%M"), "昨天", "星期五"),
            )
            state = words.pick(
                "您买的宝贝签收了|您买的宝贝发货了|您买的宝贝到菜鸟驿站了|您购买的宝贝正在派送|"
                "您买的宝贝快要确认收货|您的订单退款成功"
            )
            page.heading(state)
            page.pair("包裹动态:", words.pick("宝贝已被签收|待签收|宝贝已被揽收|商家已发货"), spread=False)
            page.note(words.pick("点击查看详情>>|小提示:点开看售后保障|点击卖家已发货，查看物流>>"))


def several_packages(page: Page, words: Words) -> None:
    """One order in several parcels."""
    words, count = words, page.rng.randint(2, 4)
    page.title_bar(words.pick("查看物流|选择包裹|物流信息"))
    page.note(f"共{count}件商品，含{count}个订单")
    for index in range(count):
        with page.card():
            page.heading(f"包裹{index + 1}", words.pick("运输中|已签收|已发货|待揽收"))
            _parcel_row(page, words, words.pick("运输中|派送中|已签收"))
            page.note("下单时间:" + words.stamp(60, "%Y-%m-%d %H:%M"))


def my_shipments(page: Page, words: Words) -> None:
    """Parcels that the user sends, with their states."""
    page.title_bar(words.pick("寄件记录|我的寄件|我的快递"))
    page.tabs(words.pick("进行中,已寄出,已取消|寄件2,收件0,待支付1|全部,待揽收,运输中,已签收").split(","))
    if words.chance(0.4):
        page.note("  这里只有最近三个月的订单")
    for index in range(page.rng.randint(1, 4)):
        with page.card():
            page.note(words.stamp(index * 300 + 5))
            x = WIDTH / 2
            page.text(page.left + 40, page.y + 4, words.city() + "市", 15, align="c", bold=True)
            page.text(x, page.y, words.pick("待寄出|运输中|待取件|已签收|已取件"), 13, page.theme.accent, align="c")
            page.stroke((x - 40, page.y + 20), (x + 40, page.y + 20), colour=page.theme.accent)
            page.text(page.right - 40, page.y + 4, words.city() + "市", 15, align="c", bold=True)
            page.y += 32
            if words.chance(0.6):
                page.buttons(["复制", words.pick("通知收件人|再来一单|查看物流")], None)
    page.centred(page.y + 10, "已经到底啦", 12, page.theme.muted)


def courier_list(page: Page, words: Words) -> None:
    """A courier's list of orders."""
    page.search_bar(words.pick("请输入运单号/手机号|搜索运单"), "搜索")
    page.tabs(["全部", "待揽收", "运输中", "已签收", "已退回"], page.rng.randint(0, 4))
    page.pair("  类型", "快递 跑腿", spread=False)
    for _ in range(page.rng.randint(2, 4)):
        with page.card():
            page.heading(words.courier, "复制 通知收件人")
            page.pair("运单号", words.number(12), private=True)
            page.heading(words.pick("待取件|已取件|运输中|已签收"), colour=page.theme.accent)
            page.note("点开可看快递员电话与物流进度", colour=page.theme.accent)
    page.tab_bar(["首页", "寄快递", "查快递", "我的"], 2)


def waiting_orders(page: Page, words: Words) -> None:
    """Orders on the way, each with 查看物流."""
    page.search_bar("搜索订单", words.pick("|我的包裹"))
    page.tabs(ORDER_TABS, 3)
    for _ in range(3):
        with page.card():
            page.heading(words.shop, "卖家已发货")
            page.goods(words.product())
            page.note(
                words.pick("运输中 大概后天到|派送中 快递员正在送货|已签收 包裹已放驿站"), colour=page.theme.accent
            )
            page.pair("", "实付款" + words.price())
            page.buttons(["更多", "延长收货", "查看物流", "确认收货"])


def station_parcels(page: Page, words: Words) -> None:
    """Parcels waiting at a station, all with codes."""
    page.title_bar(words.pick("待取包裹|一键取件|全部待取件"))
    page.heading("  菜鸟驿站", f"{page.rng.randint(2, 6)}个包裹待取")
    for _ in range(page.rng.randint(2, 5)):
        with page.card():
            page.pair("取件码", f"{words.number(2)}-{words.number(1)}-{words.number(4)}", colour=page.theme.accent)
            page.pair(words.courier, words.number(14), private=True)
            page.pair("入库时间", words.stamp(9))
    page.foot_buttons(["全部待取件", "寄快递"])


def waybill_detail(page: Page, words: Words) -> None:
    """Waybills and receipts of parcels, mostly empty but for tabs."""
    page.title_bar("运单详情")
    page.tabs(["运单详情", "签收底单", "电子存根"])
    for _ in range(page.rng.randint(1, 3)):
        with page.card():
            page.pair("目的地：", words.city(), spread=False)
            page.pair("寄", words.address(), private=True)
            page.pair("收", words.address(), private=True)
            page.pair("快递公司：", words.courier, spread=False)
    page.foot_buttons(["联系客服"])


def parcels_by_state(page: Page, words: Words) -> None:
    """All parcels under tabs by state, one card each."""
    page.title_bar(words.pick("我的快递|我的包裹|全部包裹|收件箱"), right=["筛选"])
    page.tabs(words.pick("全部,待取件,运输中,已签收|我收的,我寄的|近7天,近30天,更早").split(","))
    for _ in range(page.rng.randint(3, 5)):
        with page.card(pad=8):
            state = words.pick(*STATES)
            page.heading(
                state, words.short(page.rng.uniform(1, 90)), colour=page.theme.accent if "签" not in state else None
            )
            page.goods(words.product(), price=False, count=None, side=46)
            page.note(f"{words.courier} {words.number(12)}  {words.say('courier_lines')}", most=2)


def split_order_parcels(page: Page, words: Words) -> None:
    """One order in several parcels, each with its number and state."""
    count = page.rng.randint(2, 4)
    page.title_bar(words.pick("包裹列表|查看物流|物流信息|选择包裹"))
    page.note(
        "  " + words.pick(f"该订单已拆成{count}个包裹发出", f"共{count}个包裹，分开配送", "您的商品从不同仓库发货")
    )
    for index in range(count):
        with page.card():
            page.heading(f"包裹{index + 1}", words.pick(*STATES), colour=page.theme.accent)
            page.pair(words.courier, words.number(13), private=True)
            page.note(words.pick(words.say("courier_lines"), moving(words)), colour=page.theme.ink)
            for place in range(page.rng.randint(1, 3)):
                page.thing(page.left + place * 62, page.y, page.left + place * 62 + 54, page.y + 54)
            page.text(page.right, page.y + 20, f"共{page.rng.randint(1, 5)}件 >", 12, page.theme.muted, align="r")
            page.y += 62


def pickup_codes(page: Page, words: Words) -> None:
    """Codes of all parcels that wait at stations."""
    page.title_bar(words.pick("取件码|待取包裹|身份码取件|批量取件"))
    for _ in range(page.rng.randint(1, 3)):
        with page.card():
            page.heading(
                words.pick("菜鸟驿站|妈妈驿站|丰巢柜|兔喜超市") + words.pick("(东门店)", "", words.number(1) + "号楼"),
                words.pick("导航|营业中"),
            )
            for _ in range(page.rng.randint(2, 3)):
                code = f"{words.number(1)}-{words.number(1)}-{words.number(4)}"
                page.pair(words.courier, code, colour=page.theme.accent)
                page.note(words.pick("今天到站|昨天到站|已存放2天") + "  尾号" + words.number(4))
    page.foot_buttons(words.pick("一键取件,找人代取|全部已取|请人帮取,送货上门").split(","))


def parcels_in_assistant(page: Page, words: Words) -> None:
    """The messages of the logistics box, a row a parcel."""
    page.search_bar(words.pick("搜索单号、商品、店铺|输入快递单号查询"), "查询")
    page.icons(["寄快递", "取件码", "查快递", "服务"], 4)
    page.heading(words.pick("  最近包裹|  我的包裹|  待收包裹"), "全部>")
    x = 74
    for index in range(5):
        page.thing(14, page.y, 64, page.y + 50)
        page.text(x, page.y + 2, words.pick(*STATES), 14, page.theme.accent, bold=True)
        page.text(x + 64, page.y + 4, words.pick(words.courier, words.product().title), 12, width=150)
        page.text(WIDTH - 12, page.y + 4, words.short(10 * index + 1), 10, page.theme.muted, align="r")
        page.text(
            x, page.y + 26, words.pick(moving(words), words.say("courier_lines")), 12, page.theme.muted, width=270
        )
        page.y += 66
    page.tab_bar(words.pick("首页,包裹,寄件,我的|取件,寄件,驿站,我的").split(","), 1)
