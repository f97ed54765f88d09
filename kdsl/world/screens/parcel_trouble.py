"""Parcels in trouble: alarms, delays, refusals, nothing found."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.theme import BLACK, WHITE
from kdsl.world.screens.toolkit import MESSAGE_TABS
from kdsl.world.screens.tracking import head, journey, moving, order_card, waybill
from kdsl.world.screens.words import Words

ALARM = (235, 70, 30)


def alarm_on_map(page: Page, words: Words) -> None:
    """The tracking page with an alarm as its newest step."""
    state, text = words.rng.choice(words.book["parcel_alarms"])
    head(page)
    page.map_area(
        page.rng.uniform(120, 320),
        words.pick("温馨提示中", "物流异常", "包裹有异常", f"预计{words.stamp(-60, '%-m.%-d')}送达"),
        words.pick("", f"当前在{words.city()}市"),
    )
    with page.card():
        waybill(page, words)
        page.timeline(
            [(state, words.pick(words.short(3), "昨天 14:00", "今天 15:58") + " 详细信息>", text)], live=(255, 90, 30)
        )
        if words.chance(0.6):
            page.buttons(words.some("申请退款|复制单号|联系快递|联系卖家", 1, 3), None)
        if words.chance(0.4):
            page.timeline(journey(words, 3, last="运输中"))
    order_card(page, words)
    page.rewards()


def alarm_in_order(page: Page, words: Words) -> None:
    """The shipped order with a delay notice."""
    state, text = words.rng.choice(words.book["parcel_alarms"])
    page.title_bar("卖家已发货", centred=False)
    page.note(f"{words.left()}自动确认")
    with page.card():
        waybill(page, words)
        page.timeline([(state, words.short(5), text), *journey(words, 4, last="运输中")], live=(255, 90, 30))
        page.note("想加快派送，可致电快递员。")
        page.buttons(["联系卖家", "联系快递员"], None)
        page.note("展开更多物流明细√")
    order_card(page, words)


def service_done(page: Page, words: Words) -> None:
    """The platform's service page for a logistics problem."""
    page.title_bar("进度详情")
    page.gradient(page.y, page.y + 66, page.theme.accent, page.theme.accent_2)
    page.text(18, page.y + 22, words.pick("服务已完结|平台正在处理中|物流问题处理中"), 18, WHITE, bold=True)
    page.y += 74
    with page.card():
        page.heading("物流异常问题")
        page.timeline(
            [
                (
                    "您物流异常问题已处理",
                    words.short(1),
                    "物流还没有完全恢复正常，卖家给您重发了一件，耽误您了，很抱歉。包裹动态:看物流详情",
                ),
                ("卖家超时未回复", words.short(28), "很抱歉给您带来不好的体验，平台客服会升级处理，请稍候"),
                ("卖家处理中", words.short(52), "平台让卖家一天之内答复您，请再等等"),
                ("卖家核实中", words.short(60), "抱歉给您带来的不便，卖家正在问快递公司物流情况，查清楚会告诉您。"),
            ][: page.rng.randint(2, 4)]
        )
        page.note("全部进度>")
    with page.card():
        page.heading("物流信息", "共1件")
        page.goods(words.product())
        page.pair("订单编号", words.order(), private=True)
        page.pair("异常类型", words.pick("物流停滞|虚假签收|包裹丢失|物流停滞未更新"))
    page.foot_buttons(["联系卖家"], None)


def notice_of_trouble(page: Page, words: Words) -> None:
    """A message about a parcel in trouble."""
    page.title_bar("通知")
    page.tabs(MESSAGE_TABS)
    for index in range(page.rng.randint(1, 3)):
        with page.card():
            page.heading("订单物流消息", words.stamp(index * 15, "%H:%M"))
            page.heading(words.pick("退货包裹物流异常提醒|包裹物流异常提醒|快递延误提醒|包裹派送失败提醒"))
            page.pair(
                "退货信息:",
                words.pick("您的退货包裹运输异常|您的包裹在运输中出现异常|您的包裹长时间未更新"),
                spread=False,
            )
            page.note("温馨提示:点击查看详情并尽快处理")
            page.note("您可点击查看详情>>", colour=(60, 110, 200))


def delay_compensation(page: Page, words: Words) -> None:
    """A message that pays for late pick-up."""
    page.fill(0, 0, WIDTH, page.height, page.theme.page)
    page.title_bar(words.pick("服务消息|88VIP|天猫客服"))
    page.centred(page.y + 4, words.pick("星期二 14:23", "昨天 09:12", words.stamp()), 11, page.theme.muted)
    page.y += 26
    amount = page.rng.choice((3, 5, 10, 20))
    cause = words.pick("卖家超时未揽件|您的包裹超时未送达|您的包裹物流长时间没有更新")
    with page.card():
        page.heading(words.pick("揽件太慢补偿提醒|物流延误补偿提醒|发货超时赔付提醒"), "已签收>")
        page.note(
            f"亲，平台发现{cause}（应在{words.stamp(40, '%m月%d日 %H:%M')}前更新）。"
            f"很抱歉给您带来不便，送您1个无门槛红包，共{amount}.00元。感谢您的理解！"
        )
        page.heading(f"{words.pick('发货太慢赔的红包|物流延误红包')} ¥{amount}.00", "查看", colour=page.theme.accent)
        page.note("无门槛，天猫实物能用")


def returned_to_sender(page: Page, words: Words) -> None:
    """A log that ends with a refused or returned parcel."""
    page.title_bar(words.pick("物流详情|查看物流"))
    bad = words.pick("退回中|拒收|派送异常|问题件|包裹异常")
    text = words.pick(
        "收件人拒收，快件退回",
        f"【{words.site()}】快件派送异常：地址不详，电话联系不上收件人",
        "快件破损，已登记问题件，等待处理",
        "快件退回途中，将返回发件人",
        "您的快件因超区无法派送，已转出",
        "包裹外包装破损，安排重新打包",
    )
    with page.card():
        page.pair(words.courier, words.number(14), private=True)
    with page.card():
        page.timeline([(bad, words.short(1), text), *journey(words, 6, last="运输中")], live=(230, 60, 40))
    page.foot_buttons(["投诉物流", "联系快递公司"])


def no_record(page: Page, words: Words) -> None:
    """The courier knows nothing of the number, or nothing moved for days."""
    page.title_bar(words.pick("物流详情|包裹详情"))
    with page.card():
        page.pair(words.courier, words.number(14), private=True)
        page.note(
            words.pick("暂无物流信息，请稍后再查|运单号查无物流轨迹|物流信息超过72小时未更新"), colour=(230, 80, 40)
        )
    with page.card():
        page.heading(words.pick("物流停滞|超时未更新|疑似丢件"), words.left())
        page.note(words.pick("您的包裹已停滞超过3天，可申请退款或联系卖家补发|快递公司正在核实包裹去向，请您耐心等待"))
        page.buttons(["投诉", "催一催", "联系快递"], None)
    page.strip("猜你喜欢", 1)


def lost_parcel_claim(page: Page, words: Words) -> None:
    """Reporting a parcel that did not come."""
    page.title_bar(words.pick("物流问题反馈|未收到包裹|包裹异常反馈"))
    with page.card():
        page.pair(words.courier, words.number(13), private=True)
        page.heading(words.pick("未收到包裹 处理中|请选择遇到的问题|虚假签收核实中"), colour=(230, 80, 40))
        for text in words.some("显示签收但没收到|物流长时间不更新|包裹破损或少件|送错地址|派送员联系不上", 3, 5):
            page.pair(text, "○")
        page.note(words.pick("平台已要求快递在24小时内联系您核实|反馈后快递公司将尽快核实包裹去向"))
    with page.card():
        page.timeline(
            [
                (
                    words.pick("已签收|派送异常|物流停滞"),
                    words.short(30),
                    words.pick("签收人：门口|收件人未接电话|超过72小时未更新"),
                ),
                *journey(words, 3, last="运输中"),
            ]
        )
    page.foot_buttons(["联系快递", "提交反馈"])


def trouble_step(page: Page, words: Words) -> None:
    """The newest step of the log tells of trouble; ways out below it."""
    line = words.say("trouble_lines")
    page.title_bar(words.pick("物流详情|包裹详情|查看物流|快递跟踪"))
    with page.card():
        page.heading(words.pick("物流异常|包裹异常提醒|派送异常|问题件|物流停滞"), colour=ALARM)
        page.note(line, colour=page.theme.ink)
        page.buttons(words.some("催物流|联系快递|申请退款|我要投诉|联系商家|查件", 2, 3))
    with page.card():
        waybill(page, words)
        page.timeline(
            [(words.pick("异常|问题件|滞留|退回中"), words.short(30), line), *journey(words, 5, last="运输中")],
            live=ALARM,
        )


def urge_parcel(page: Page, words: Words) -> None:
    """Asking the courier to look for a parcel that stands still."""
    page.title_bar(words.pick("催物流|物流求助|包裹核查|物流问题反馈"))
    with page.card():
        page.pair(words.courier, words.number(13), private=True)
        page.note("最后更新：" + words.stamp(90) + " " + moving(words), colour=page.theme.ink)
    with page.card():
        page.choices(
            words.some("物流长时间不更新|显示签收但没收到|派错地址|包裹破损|快递员拒绝送货|包裹丢失|已退回商家", 4, 7),
            title=words.pick("遇到了什么问题|请选择物流异常类型"),
            marked=0,
        )
    page.foot_buttons([words.pick("提交|立即催一催|申请核查")])
    if words.chance(0.4):
        page.toast(words.pick("已为您催促快递公司|核查已提交，2小时内回复"))


def trouble_case(page: Page, words: Words) -> None:
    """The case of a lost, damaged or late parcel: who does what, what is paid."""
    page.title_bar(words.pick("物流异常处理|丢件理赔|破损理赔|延误赔付|异常件进度"))
    page.banner(
        words.pick("包裹丢失核实中|已确认丢件，赔付中|快件破损待处理|物流超时，已赔付|包裹退回途中"),
        [words.say("trouble_lines")],
    )
    with page.card():
        page.timeline(
            [
                (
                    words.pick("快递公司核实中|网点回复|赔付完成"),
                    words.short(2),
                    words.pick("未找到包裹，按丢失处理|正在各中转场查找|监控排查中"),
                ),
                ("异常上报", words.short(30), words.say("trouble_lines")),
                ("最后一次扫描", words.short(99), words.site()),
            ],
            live=ALARM,
        )
    page.rows(
        ("异常类型", words.pick("丢失|破损|停滞|拒收|错分")),
        ("处理方式", words.pick("补发|退款|赔付5元红包")),
        ("运单号", words.number(13)),
    )
    page.foot_buttons(words.pick("联系快递,申请退款|同意赔付,不同意").split(","), None)


def empty_track(page: Page, words: Words) -> None:
    """No steps at all."""
    page.title_bar(words.pick("物流详情|查询结果|物流信息"))
    page.pair(words.courier, words.number(13), private=True)
    page.gap(60)
    page.empty_picture(
        words.pick("暂无物流信息|查不到这个单号|物流信息获取失败|暂无轨迹|没有查到相关物流"),
        sub=words.pick(
            "单号可能填错或还没录入，请稍后再查|已超过三个月，无法查询|"
            "商家已填单号但快递尚未揽收|快递公司系统异常，请联系客服"
        ),
    )
    page.buttons(["联系商家", "刷新"])


def trouble_popup(page: Page, words: Words) -> None:
    """A warning over the parcel's map."""
    page.status_bar()
    page.map_area(300, words.pick("配送延迟|物流停滞"), "")
    with page.card():
        waybill(page, words)
        page.timeline(journey(words, 4, last="运输中"))
    if words.chance(0.5):
        page.dialog(
            words.pick("物流异常提醒|派送失败|包裹延误"),
            words.say("trouble_lines"),
            words.pick("知道了|联系商家,重新派送").split(","),
        )
        return
    with page.sheet(page.height * 0.55, words.pick("包裹可能晚到|包裹没收到？|派送不成功")):
        page.note(words.say("trouble_lines"), colour=page.theme.ink, size=14)
        page.chips(["修改地址重派", "改约时间", "放驿站", "退回商家"])
        page.button(18, page.height - 56, WIDTH - 36, words.pick("提交|联系快递员|申请赔付"), height=38)


def trouble_talk(page: Page, words: Words) -> None:
    """The courier's help desk says what went wrong."""
    page.title_bar(words.pick("物流客服|快递助手|菜鸟客服"))
    page.band(
        "运单 " + words.number(13) + words.pick(" 异常| 滞留| 派件失败"),
        BLACK if page.theme.dark else (90, 110, 150),
        34,
        13,
    )
    page.gap(10)
    page.bubble(words.pick("我的快递三天没动了|为什么显示签收我没收到|怎么退回去了"), mine=True)
    page.bubble("查询到" + words.say("trouble_lines"), colour=WHITE)
    page.bubble(words.pick("已登记催件，请等待网点回电|可以联系商家补发或退款"), colour=WHITE)
    page.chips(["催促派送", "投诉网点", "申请赔付", "转人工"])
