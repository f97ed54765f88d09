"""More of logistics: the journey of one parcel, many parcels at once, and parcels in trouble."""

from __future__ import annotations

from kdsl.data.world.screens.blocks import band, bubble, centre, choices, icons, rows, steps_bar
from kdsl.data.world.screens.page import WIDTH, Page
from kdsl.data.world.screens.panels import dialog, empty_picture, map_area, sheet, strip
from kdsl.data.world.screens.parcels import LIST
from kdsl.data.world.screens.registry import family
from kdsl.data.world.screens.theme import BLACK, WHITE
from kdsl.data.world.screens.toolkit import (
    banner,
    button,
    buttons,
    chips,
    foot_buttons,
    goods,
    heading,
    note,
    pair,
    search_bar,
    status_bar,
    tab_bar,
    tabs,
    timeline,
    title_bar,
    toast,
)
from kdsl.data.world.screens.tracking import TRACK, journey, moving, waybill
from kdsl.data.world.screens.trouble import TROUBLE

STATES = ["运输中", "派送中", "待取件", "已签收", "已发货", "待揽收", "已揽收"]


@family(TRACK)
def big_state(page: Page) -> None:
    """A large state, a bar with stations, the log."""
    words = page.words
    state = words.pick("运输中", "派送中", "已签收", "待取件", "已揽件")
    title_bar(
        page, words.pick("包裹跟踪", "物流信息", "快递详情", "运单详情"), right=words.pick("订阅", "客服").split()
    )
    with page.card():
        heading(page, words.pick("", "包裹") + state, words.pick("预计明天送达", "预计今天 20:00 前"), size=20)
        steps_bar(page, ["已发货", "已揽收", "运输中", "派送中", "已签收"], page.rng.randint(1, 4))
        note(page, words.say("courier_lines"), colour=page.theme.ink)
        buttons(page, words.some(["联系快递员", "复制单号", "催派送", "修改派送时间", "放门口"], 2, 3), None)
    with page.card():
        waybill(page)
        timeline(page, journey(words, 9, last=state))
    strip(page, "", 1)


@family(TRACK)
def overseas_journey(page: Page) -> None:
    """A parcel from abroad: customs, flight, the bonded store."""
    words = page.words
    title_bar(page, words.pick("物流详情", "跨境物流", "国际包裹"))
    with page.card():
        pair(page, words.pick("天猫国际", "海外直邮", "菜鸟保税仓"), words.number(13) + " 复制", private=True)
        steps_bar(page, ["海外出库", "国际运输", "清关", "国内派送"], page.rng.randint(0, 3))
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
        timeline(
            page, [("", words.stamp(9 * i, "%m-%d %H:%M"), x) for i, x in enumerate(lines[page.rng.randint(0, 3) :])]
        )
    rows(page, ("收件人", "李**"), ("申报人", "已认证"), ("国内快递", words.courier), private=("收件人",))


@family(TRACK)
def installed_delivery(page: Page) -> None:
    """Large goods: delivered to the flat by appointment."""
    words = page.words
    title_bar(page, words.pick("大件配送", "送装服务", "配送详情", "日日顺配送"))
    banner(
        page,
        words.pick("已预约配送", "货物已到本地仓", "师傅已出发", "送货上楼中"),
        [words.stamp(-20, "%m月%d日 09:00-18:00")],
    )
    with page.card():
        pair(page, words.pick("送货师傅 ", "配送员 ") + words.pick("陈师傅", "刘**"), "拨打电话")
        timeline(
            page,
            [
                ("派送中", words.short(1), "货物由" + words.site() + "发车，请保持电话畅通"),
                ("到达本地服务网点", words.short(10), words.site()),
                ("干线运输", words.short(30), moving(words)),
                ("已出库", words.short(50), words.city() + "中央仓"),
            ],
        )
    with page.card():
        goods(page, words.product())
        pair(page, "配送地址", words.address(), private=True)
    foot_buttons(page, ["改约时间", "联系网点"], None)


@family(TRACK)
def proof_of_delivery(page: Page) -> None:
    """The photo that the courier took at the door, or the station's record."""
    words = page.words
    title_bar(page, words.pick("签收详情", "签收凭证", "投递照片", "包裹已送达"))
    page.thing(20, page.y + 8, WIDTH - 20, page.y + 240, "box")
    page.y += 250
    with page.card():
        heading(page, words.pick("已送达门口", "已签收", "已放入快递柜", "本人签收"), words.short(3))
        note(
            page,
            words.pick("派件员拍照留存", "包裹放在家门口，请及时取回", "由驿站代收，出库照片如上"),
            colour=page.theme.ink,
        )
        waybill(page)
        timeline(page, journey(words, 3, last="已签收"))
        buttons(page, words.pick("没收到货,确认签收", "评价快递员,联系快递员").split(","), None)


@family(TRACK, weight=0.8)
def parcel_chat(page: Page) -> None:
    """The journey told by the parcel service's messages."""
    words = page.words
    title_bar(page, words.pick("交易物流", "服务通知", "物流助手"))
    for index, state in enumerate(words.some(["订单已发货", "订单派送中", "包裹已签收", "快件已揽收"], 2, 3)):
        centre(page, words.short(20 * (3 - index)), 11, page.theme.muted)
        with page.card():
            heading(page, state)
            goods(page, words.product(), price=False, count=None, side=50)
            pair(page, words.courier, words.number(13), private=True)
            note(page, words.say("courier_lines"))
            pair(page, "查看物流", ">")


@family(TRACK)
def first_dispatch(page: Page) -> None:
    """The parcel is being prepared; dispatch promised."""
    words = page.words
    title_bar(page, words.pick("等待发货", "仓库处理中", "发货进度", "物流详情"))
    map_area(page, 160, words.pick("商家打包中", "等待揽收", "仓库处理中"), "")
    with page.card():
        heading(page, words.pick("预计今天24点前发货", "承诺48小时内发货", "等待快递员揽收"))
        timeline(
            page,
            [
                (
                    words.pick("等待揽收", "包裹出库", "拣货打包"),
                    words.short(2),
                    words.pick("快递员将上门揽收", "仓库作业中"),
                ),
                ("商家接单", words.short(10), "您的订单开始处理"),
                ("付款成功", words.short(11), ""),
            ],
        )
        goods(page, words.product(), price=False)
    foot_buttons(page, words.pick("提醒发货,修改地址", "催发货,联系商家").split(","), None)


@family(LIST)
def parcels_by_state(page: Page) -> None:
    """All parcels under tabs by state, one card each."""
    words = page.words
    title_bar(page, words.pick("我的快递", "我的包裹", "全部包裹", "收件箱"), right=["筛选"])
    tabs(page, words.pick("全部,待取件,运输中,已签收", "我收的,我寄的", "近7天,近30天,更早").split(","))
    for _ in range(page.rng.randint(3, 5)):
        with page.card(pad=8):
            state = words.pick(*STATES)
            heading(
                page,
                state,
                words.short(page.rng.uniform(1, 90)),
                colour=page.theme.accent if "签" not in state else None,
            )
            goods(page, words.product(), price=False, count=None, side=46)
            note(page, f"{words.courier} {words.number(12)}  {words.say('courier_lines')}", most=2)


@family(LIST)
def split_order_parcels(page: Page) -> None:
    """One order in several parcels, each with its number and state."""
    words = page.words
    count = page.rng.randint(2, 4)
    title_bar(page, words.pick("包裹列表", "查看物流", "物流信息", "选择包裹"))
    note(
        page,
        "  " + words.pick(f"该订单已拆成{count}个包裹发出", f"共{count}个包裹，分开配送", "您的商品从不同仓库发货"),
    )
    for index in range(count):
        with page.card():
            heading(page, f"包裹{index + 1}", words.pick(*STATES), colour=page.theme.accent)
            pair(page, words.courier, words.number(13), private=True)
            note(page, words.pick(words.say("courier_lines"), moving(words)), colour=page.theme.ink)
            for _ in range(page.rng.randint(1, 3)):
                page.thing(page.left + _ * 62, page.y, page.left + _ * 62 + 54, page.y + 54)
            page.text(page.right, page.y + 20, f"共{page.rng.randint(1, 5)}件 >", 12, page.theme.muted, align="r")
            page.y += 62


@family(LIST)
def pickup_codes(page: Page) -> None:
    """Codes of all parcels that wait at stations."""
    words = page.words
    title_bar(page, words.pick("取件码", "待取包裹", "身份码取件", "批量取件"))
    for _ in range(page.rng.randint(1, 3)):
        with page.card():
            heading(
                page,
                words.pick("菜鸟驿站", "妈妈驿站", "丰巢柜", "兔喜超市")
                + words.pick("(东门店)", "", words.number(1) + "号楼"),
                words.pick("导航", "营业中"),
            )
            for _ in range(page.rng.randint(2, 3)):
                code = f"{words.number(1)}-{words.number(1)}-{words.number(4)}"
                pair(page, words.courier, code, colour=page.theme.accent)
                note(page, words.pick("今天到站", "昨天到站", "已存放2天") + "  尾号" + words.number(4))
    foot_buttons(page, words.pick("一键取件,找人代取", "全部已取", "请人帮取,送货上门").split(","))


@family(LIST)
def parcels_in_assistant(page: Page) -> None:
    """The messages of the logistics box, a row a parcel."""
    words = page.words
    search_bar(page, words.pick("搜索单号、商品、店铺", "输入快递单号查询"), "查询")
    icons(page, ["寄快递", "取件码", "查快递", "服务"], 4)
    heading(page, words.pick("  最近包裹", "  我的包裹", "  待收包裹"), "全部>")
    for index in range(5):
        x = 74.0
        page.thing(14, page.y, 64, page.y + 50)
        page.text(x, page.y + 2, words.pick(*STATES), 14, page.theme.accent, bold=True)
        page.text(x + 64, page.y + 4, words.pick(words.courier, words.product().title), 12, width=150)
        page.text(WIDTH - 12, page.y + 4, words.short(10 * index + 1), 10, page.theme.muted, align="r")
        page.text(
            x, page.y + 26, words.pick(moving(words), words.say("courier_lines")), 12, page.theme.muted, width=270
        )
        page.y += 66
    tab_bar(page, words.pick("首页,包裹,寄件,我的", "取件,寄件,驿站,我的").split(","), 1)


@family(TROUBLE)
def trouble_step(page: Page) -> None:
    """The newest step of the log tells of trouble; ways out below it."""
    words = page.words
    line = words.say("trouble_lines")
    title_bar(page, words.pick("物流详情", "包裹详情", "查看物流", "快递跟踪"))
    with page.card():
        heading(page, words.pick("物流异常", "包裹异常提醒", "派送异常", "问题件", "物流停滞"), colour=(235, 70, 30))
        note(page, line, colour=page.theme.ink)
        buttons(page, words.some(["催物流", "联系快递", "申请退款", "我要投诉", "联系商家", "查件"], 2, 3))
    with page.card():
        waybill(page)
        timeline(
            page,
            [
                (words.pick("异常", "问题件", "滞留", "退回中"), words.short(30), line),
                *journey(words, 5, last="运输中"),
            ],
            live=(235, 70, 30),
        )


@family(TROUBLE)
def urge_parcel(page: Page) -> None:
    """Asking the courier to look for a parcel that stands still."""
    words = page.words
    title_bar(page, words.pick("催物流", "物流求助", "包裹核查", "物流问题反馈"))
    with page.card():
        pair(page, words.courier, words.number(13), private=True)
        note(page, "最后更新：" + words.stamp(90) + " " + moving(words), colour=page.theme.ink)
    with page.card():
        choices(
            page,
            words.some(
                [
                    "物流长时间不更新",
                    "显示签收但没收到",
                    "派错地址",
                    "包裹破损",
                    "快递员拒绝送货",
                    "包裹丢失",
                    "已退回商家",
                ],
                4,
                7,
            ),
            title=words.pick("遇到了什么问题", "请选择物流异常类型"),
            marked=0,
        )
    foot_buttons(page, [words.pick("提交", "立即催一催", "申请核查")])
    if words.chance(0.4):
        toast(page, words.pick("已为您催促快递公司", "核查已提交，2小时内回复"))


@family(TROUBLE)
def trouble_case(page: Page) -> None:
    """The case of a lost, damaged or late parcel: who does what, what is paid."""
    words = page.words
    title_bar(page, words.pick("物流异常处理", "丢件理赔", "破损理赔", "延误赔付", "异常件进度"))
    banner(
        page,
        words.pick("包裹丢失核实中", "已确认丢件，赔付中", "快件破损待处理", "物流超时，已赔付", "包裹退回途中"),
        [words.say("trouble_lines")],
    )
    with page.card():
        timeline(
            page,
            [
                (
                    words.pick("快递公司核实中", "网点回复", "赔付完成"),
                    words.short(2),
                    words.pick("未找到包裹，按丢失处理", "正在各中转场查找", "监控排查中"),
                ),
                ("异常上报", words.short(30), words.say("trouble_lines")),
                ("最后一次扫描", words.short(99), words.site()),
            ],
            live=(235, 70, 30),
        )
    rows(
        page,
        ("异常类型", words.pick("丢失", "破损", "停滞", "拒收", "错分")),
        ("处理方式", words.pick("补发", "退款", "赔付5元红包")),
        ("运单号", words.number(13)),
    )
    foot_buttons(page, words.pick("联系快递,申请退款", "同意赔付,不同意").split(","), None)


@family(TROUBLE)
def empty_track(page: Page) -> None:
    """No steps at all."""
    words = page.words
    title_bar(page, words.pick("物流详情", "查询结果", "物流信息"))
    pair(page, words.courier, words.number(13), private=True)
    page.gap(60)
    empty_picture(
        page,
        words.pick("暂无物流信息", "查不到这个单号", "物流信息获取失败", "暂无轨迹", "没有查到相关物流"),
        sub=words.pick(
            "单号可能填错或还没录入，请稍后再查",
            "已超过三个月，无法查询",
            "商家已填单号但快递尚未揽收",
            "快递公司系统异常，请联系客服",
        ),
    )
    buttons(page, ["联系商家", "刷新"])


@family(TROUBLE)
def trouble_popup(page: Page) -> None:
    """A warning over the parcel's map."""
    words = page.words
    status_bar(page)
    map_area(page, 300, words.pick("配送延迟", "物流停滞"), "")
    with page.card():
        waybill(page)
        timeline(page, journey(words, 4, last="运输中"))
    if words.chance(0.5):
        dialog(
            page,
            words.pick("物流异常提醒", "派送失败", "包裹延误"),
            words.say("trouble_lines"),
            words.pick("知道了", "联系商家,重新派送").split(","),
        )
        return
    with sheet(page, page.height * 0.55, words.pick("包裹可能晚到", "包裹没收到？", "派送不成功")):
        note(page, words.say("trouble_lines"), colour=page.theme.ink, size=14)
        chips(page, ["修改地址重派", "改约时间", "放驿站", "退回商家"])
        button(page, 18, page.height - 56, WIDTH - 36, words.pick("提交", "联系快递员", "申请赔付"), height=38)


@family(TROUBLE, app="cainiao", weight=0.8)
def trouble_talk(page: Page) -> None:
    """The courier's help desk says what went wrong."""
    words = page.words
    title_bar(page, words.pick("物流客服", "快递助手", "菜鸟客服"))
    band(
        page,
        "运单 " + words.number(13) + words.pick(" 异常", " 滞留", " 派件失败"),
        BLACK if page.theme.dark else (90, 110, 150),
        34,
        13,
    )
    page.gap(10)
    bubble(page, words.pick("我的快递三天没动了", "为什么显示签收我没收到", "怎么退回去了"), mine=True)
    bubble(page, "查询到" + words.say("trouble_lines"), colour=WHITE)
    bubble(page, words.pick("已登记催件，请等待网点回电", "可以联系商家补发或退款"), colour=WHITE)
    chips(page, ["催促派送", "投诉网点", "申请赔付", "转人工"])
