"""More from outside the shop's apps, of the rest, and of photos."""

from __future__ import annotations

from kdsl.data.world.screens.blocks import bubble, centre, choices, icons, rows, sections, steps_bar, tiles
from kdsl.data.world.screens.outside import OUTSIDE
from kdsl.data.world.screens.page import WIDTH, Page
from kdsl.data.world.screens.panels import dialog, empty_picture, map_area, sheet, strip
from kdsl.data.world.screens.photo import PHOTO, _end, _lay, _print, _start
from kdsl.data.world.screens.registry import family
from kdsl.data.world.screens.rest import REST
from kdsl.data.world.screens.theme import BLACK, WHITE, mix
from kdsl.data.world.screens.things import vivid
from kdsl.data.world.screens.toolkit import (
    banner,
    chips,
    foot_buttons,
    goods,
    heading,
    note,
    pair,
    search_bar,
    status_bar,
    tab_bar,
    timeline,
    title_bar,
)
from kdsl.data.world.screens.tracking import journey


@family(OUTSIDE, app="jd")
def rival_after_sales(page: Page) -> None:
    """After-sales and orders of rival shops, in their own words."""
    words = page.words
    title_bar(page, words.pick("售后详情", "退款详情", "服务单详情", "订单详情"))
    banner(
        page,
        words.pick("京东审核通过", "拼多多已退款", "抖音商城 退款成功", "服务单已完成", "商家已同意 请寄出"),
        [words.pick("退至京东余额/原支付", "退回微信零钱", "退回抖音支付", "PLUS会员专享")],
    )
    with page.card():
        goods(page, words.product())
        pair(
            page,
            words.pick("京东自营", "百亿补贴 已拼", "抖音小店", "快手小店"),
            words.pick("闪电退款", "上门换新", "极速退款", "京东快递"),
        )
    rows(
        page,
        ("服务单号", words.number(11)),
        ("京豆返还", words.number(2)),
        ("支付方式", words.pick("白条", "微信支付", "抖音月付", "京东支付")),
    )
    foot_buttons(page, words.pick("联系京东客服,取消服务单", "官方客服,撤销", "再次购买").split(","), None)


@family(OUTSIDE, app="pdd")
def takeaway(page: Page) -> None:
    """Takeaway and errands: rider, dishes, packing fee."""
    words = page.words
    title_bar(page, words.pick("订单已送达", "美团外卖", "骑手正在送货", "京东秒送", "朴朴超市", "叮咚买菜"))
    if words.chance(0.5):
        map_area(page, 170, words.pick("骑手距您900米", "商家已出餐"), "")
    with page.card():
        heading(page, words.rng.choice(words.book["brands"]) + words.pick("(万达店)", "便利店", "烧烤"), "联系商家")
        for _ in range(3):
            pair(
                page,
                words.pick("招牌牛肉饭", "珍珠奶茶 大杯", "可乐", "纸巾", "鲜橙 500g", "小炒黄牛肉"),
                words.price(page.rng.uniform(4, 50)),
            )
        pair(page, "打包费", "¥1.00")
        pair(page, "配送费", words.pick("¥0 已减3元", "¥4.5"))
        pair(page, "期望送达", "立即送达")
    foot_buttons(page, words.pick("再来一单,申请售后", "催单,致电骑手", "评价").split(","), None)


@family(OUTSIDE, app="wechat")
def second_hand(page: Page) -> None:
    """Second-hand apps: a thing for sale, a talk with its seller, an order."""
    words = page.words
    title_bar(page, words.pick("闲鱼", "转转", "宝贝详情", "我发布的"))
    with page.card():
        pair(page, words.say("nicknames") + words.pick("  芝麻信用极好", "  卖家 信用优秀"), words.city())
        page.text(page.left, page.y, words.price(), 24, page.theme.accent, bold=True)
        page.text(
            page.left + 120, page.y + 8, words.pick("包邮", "可小刀", f"{words.number(2)}人想要"), 12, page.theme.muted
        )
        page.y += 36
        note(
            page,
            words.pick("闲置转让，买来没怎么用，", "九成新，搬家急出，", "全新未拆，")
            + words.product().title
            + words.pick(" 不退不换", " 非诚勿扰", " 验货宝"),
            colour=page.theme.ink,
            size=14,
        )
        tiles(page, 2, columns=2)
        note(page, f"浏览{words.number(3)}  留言{words.number(1)}")
    foot_buttons(page, words.pick("聊一聊,我想要,立即购买", "超赞,收藏,我想要").split(","))


@family(OUTSIDE, app="system")
def phone_dialogs(page: Page) -> None:
    """The phone's own questions, storage, recorder, permission, app store."""
    words = page.words
    kind = page.rng.randrange(3)
    if kind == 0:
        page.gradient(0, page.height, vivid(page.rng), vivid(page.rng))
        dialog(
            page,
            words.pick("“淘宝”想给您发送通知", "允许访问照片？", "无法连接网络", "电量不足"),
            words.pick("可以在设置里修改", "剩余电量20%", "请检查蜂窝数据"),
            ["不允许", "允许"],
        )
        return
    if kind == 1:
        search_bar(page, words.pick("App Store", "应用商店"), words.pick("取消", "搜索"))
        for _ in range(5):
            pair(
                page,
                words.pick("手机淘宝", "京东", "微信", "智能家居", "打印助手", "儿童手表") + words.pick("", " 4.8★"),
                words.pick("获取", "打开", "更新", "安装"),
            )
            note(page, words.pick("购物", "工具", "12+ 1.2亿次安装"))
            page.gap(10)
        tab_bar(page, ["Today", "游戏", "App", "搜索"], 3)
        return
    title_bar(page, words.pick("屏幕使用时间", "流量使用情况", "短信验证码", "通话录音", "WLAN", "电池健康"))
    rows(
        page,
        *[
            (
                words.pick("淘宝", "今日用量", "最大容量", "已连接 home_5G", "录音 " + words.number(4)),
                words.pick("2.1GB", "3小时12分", "86%", "00:32", ">"),
            )
            for _ in range(8)
        ],
    )


@family(OUTSIDE, app="wechat")
def wechat_pages(page: Page) -> None:
    """A messenger's groups, moments, official accounts, small programs, payment notices."""
    words = page.words
    kind = page.rng.randrange(3)
    if kind == 0:
        title_bar(page, words.pick("微信支付", "服务通知", "公众号", "微信"))
        for name in ("支付凭证", "退款到账通知", "物流签收提醒"):
            centre(page, words.short(page.rng.uniform(1, 90)), 11, page.theme.muted)
            with page.card():
                heading(page, name)
                pair(page, words.pick("付款金额", "退款金额", "订单号"), words.price())
                pair(page, "收款方", words.pick("美团", "拼多多平台商户", words.shop))
                pair(page, words.pick("进入小程序查看", "账单详情"), ">")
    elif kind == 1:
        title_bar(
            page,
            f"{words.pick('团购群', '业主群', '售后服务群', '相亲相爱一家人')}({page.rng.randint(3, 480)})",
            centred=True,
        )
        for index in range(5):
            page.text(56, page.y, words.say("nicknames"), 10, page.theme.muted)
            page.y += 14
            bubble(
                page,
                words.pick("[链接]", "群主在吗", "这个怎么退", "红包来啦", "接龙 1.李姐 2份", "拍立得", "支付宝转你"),
                mine=index % 3 == 2,
                colour=(149, 236, 105) if index % 3 == 2 else None,
            )
    else:
        title_bar(page, words.pick("朋友圈", "视频号", "小程序", "发现"), centred=True)
        for _ in range(3):
            heading(page, "  " + words.say("nicknames"))
            note(page, words.say("review_sentences"), colour=page.theme.ink)
            tiles(page, page.rng.randint(1, 3))
            note(page, words.pick("2小时前", "昨天", "1分钟前") + "  赞 评论")


@family(OUTSIDE, app="sf", weight=0.8)
def courier_official(page: Page) -> None:
    """A courier's own site or small program."""
    words = page.words
    title_bar(
        page,
        words.pick("顺丰速运+", "中通快递", "邮政EMS", "德邦快递", "圆通小程序", "京东快递 运单详情"),
        centred=True,
    )
    icons(page, ["查快递", "寄快递", "网点查询", "在线客服"])
    with page.card():
        pair(page, "运单号", words.number(14), private=True)
        steps_bar(page, ["收件", "转运", "派件", "签收"], page.rng.randint(1, 3))
        timeline(page, journey(words, 4))
    rows(
        page,
        ("寄件人", words.city()),
        ("收件人", words.city()),
        ("计费重量", "1.0kg"),
        ("保价金额", "0.00"),
        ("付款方式", "寄付月结"),
        keep=0.7,
    )
    foot_buttons(page, ["评价快递员", "再寄一件", "官网客服"], None)


@family(REST)
def service_talk(page: Page) -> None:
    """A talk with the shop's or the platform's helper, about no scene in particular."""
    words = page.words
    title_bar(page, words.pick("阿里小蜜", "智能客服", words.shop, "淘宝客服"))
    for index in range(5):
        bubble(
            page,
            words.pick(
                "您好，有什么可以帮您",
                "在的亲",
                "请问这边什么问题呢",
                "稍等",
                "好的",
                "人工客服",
                "还在吗",
                "猜您想问",
                "谢谢",
                "收到请回复",
            ),
            mine=index % 2 == 1,
        )
    chips(page, words.some(["查订单", "改地址", "开发票", "转人工", "常见问题", "服务评价"], 3, 5))


@family(REST)
def mood_picture(page: Page) -> None:
    """A picture with a few large words, sent for its mood."""
    words = page.words
    page.height = page.rng.choice((180, 240, 300, 360))
    page.photo = True
    page.gradient(0, page.height, vivid(page.rng), vivid(page.rng))
    for _ in range(page.rng.randint(2, 7)):
        page.oval(
            page.rng.uniform(0, WIDTH), page.rng.uniform(0, page.height), page.rng.uniform(10, 70), vivid(page.rng)
        )
    if words.chance(0.8):
        page.y = page.rng.uniform(20, page.height - 60)
        centre(page, words.say("nature"), page.rng.choice((22, 30, 38)), words.rng.choice((WHITE, BLACK)), bold=True)


@family(REST)
def document_scrap(page: Page) -> None:
    """A table, a form, a calendar, a note: no page of a shop."""
    words = page.words
    page.fill(0, 0, WIDTH, page.height, (252, 252, 250))
    ink = (40, 40, 44)
    page.y = 24
    centre(
        page,
        words.pick(
            "备忘录", "通知", "课程表", "价目表", "收据", "检测报告", "授权书", "保修条例", "营业执照", "聊天备份"
        ),
        22,
        ink,
        bold=True,
    )
    left, right = 20, WIDTH - 20
    for row in range(page.rng.randint(5, 11)):
        page.stroke((left, page.y), (right, page.y), colour=(180, 180, 184))
        page.text(
            left + 6,
            page.y + 10,
            words.pick("姓名", "日期", "项目", "第" + str(row + 1) + "条", "金额", "备注", "星期一", "单位", "结论"),
            13,
            ink,
        )
        page.text(
            150,
            page.y + 10,
            words.pick(
                words.stamp(40, "%Y-%m-%d"), words.number(4), "合格", "语文", words.city(), "/", words.product().noun
            ),
            13,
            ink,
        )
        page.y += 34
    if words.chance(0.5):
        page.oval(WIDTH - 90, page.y, 40, None, (220, 40, 40))
        page.text(WIDTH - 90, page.y - 8, "专用章", 14, (220, 40, 40), align="c")


@family(REST)
def account_help(page: Page) -> None:
    """Help centre, real name, addresses, security, rating of service."""
    words = page.words
    title_bar(
        page, words.pick("帮助中心", "收货地址", "实名认证", "登录", "服务评价", "常见问题", "账号申诉", "新建地址")
    )
    if words.chance(0.4):
        empty_picture(
            page,
            words.pick("网络竟然崩溃了", "页面走丢了", "加载中…", "认证已通过", "登录已过期"),
            sub=words.pick("刷新试试", "请重新登录", ""),
        )
    with page.card():
        choices(
            page,
            words.some(
                [
                    "如何修改手机号",
                    "账号被限制怎么办",
                    "怎么设默认地址",
                    "如何关闭免密",
                    "怎样注销账号",
                    "如何联系人工",
                    "大会员怎么退",
                ],
                4,
                6,
            ),
            mark=">",
        )
    with page.card():
        sections(
            page,
            (
                words.pick("温馨提示", "说明"),
                words.pick("以上内容由智能助手整理，仅供参考。", "请保证填写的信息真实有效。"),
            ),
        )
    if words.chance(0.4):
        with sheet(page, page.height * 0.6, words.pick("请评价本次服务", "选择地区", "验证手机号")):
            chips(page, ["非常满意", "满意", "一般", "不满意"])
    else:
        strip(page, "", 1)


@family(REST, weight=0.8)
def live_room(page: Page) -> None:
    """A live room: talk running over the picture."""
    words = page.words
    page.fill(0, 0, WIDTH, page.height, mix(vivid(page.rng), BLACK, 0.5))
    status_bar(page, colour=BLACK, ink=WHITE)
    page.thing(60, 120, 300, 420)
    page.text(14, page.y + 8, words.shop[:8] + words.pick("  12.3万观看", "  关注"), 14, WHITE)
    for index in range(4):
        page.text(
            14,
            page.height - 210 + index * 26,
            words.say("nicknames") + "：" + words.pick("主播好", "来了", "多少钱", "扣1", "有小码吗", "几号链接"),
            13,
            WHITE,
        )
    page.text(14, page.height - 60, words.pick("说点什么…", "跟主播聊聊"), 13, WHITE)
    page.text(WIDTH - 14, page.height - 60, words.pick("宝贝口袋 36", "礼物 点赞"), 13, WHITE, align="r")


@family(PHOTO)
def label_or_plate(page: Page) -> None:
    """A nameplate, a washing label or a date stamp seen near."""
    words = page.words
    _start(page)
    _lay(page, share=1.4)
    y = page.height * page.rng.uniform(0.2, 0.4)
    page.fill(70, y, 290, y + 130, page.rng.choice(((244, 244, 240), (206, 208, 212), (30, 30, 34))), 4)
    ink = page.rng.choice(((40, 40, 44), (150, 150, 156)))
    lines = [
        "型号 " + words.number(4),
        "额定电压 220V~ 50Hz",
        "生产日期 " + words.stamp(4000, "%Y%m%d"),
        "成分 棉95% 氨纶5%",
        "限用日期 " + words.stamp(-9000, "%Y/%m/%d"),
        "MADE IN CHINA",
        "批号 " + words.number(6),
        "S/N " + words.number(10),
        "净含量 500ml",
    ]
    for index, text in enumerate(page.rng.sample(lines, page.rng.randint(2, 4))):
        page.text(82, y + 12 + 28 * index, text, page.rng.choice((11, 13, 14)), ink)
    _end(page)


@family(PHOTO)
def measured(page: Page) -> None:
    """A thing beside a ruler or on scales."""
    _start(page)
    _lay(page)
    if page.words.chance(0.5):
        y = page.height * page.rng.uniform(0.6, 0.85)
        page.fill(0, y, WIDTH, y + 34, (240, 214, 90))
        for mark in range(36):
            page.stroke((mark * 10, y), (mark * 10, y + (14 if mark % 5 == 0 else 8)), colour=BLACK)
            if mark % 5 == 0:
                page.text(mark * 10 + 1, y + 16, str(mark), 10, BLACK)
    else:
        page.fill(130, page.height - 70, 230, page.height - 36, (60, 80, 60), 4)
        _print(page, f"{page.rng.uniform(0.1, 9):.2f}kg", 145, page.height - 64, 20, (190, 240, 190))
    _end(page)


@family(PHOTO)
def installed_place(page: Page) -> None:
    """A thing at its place: wall, floor, pipes, cables."""
    rng = page.rng
    _start(page)
    wall = vivid(rng)
    page.fill(0, 0, WIDTH, page.height * rng.uniform(0.4, 0.7), mix(wall, WHITE, 0.6))
    for _ in range(rng.randint(1, 4)):
        x = rng.uniform(20, 340)
        page.stroke(
            (x, 0),
            (x + rng.uniform(-60, 60), page.height / 2),
            (x + rng.uniform(-90, 90), page.height),
            colour=rng.choice((BLACK, WHITE, (150, 150, 150))),
            width=rng.uniform(2, 9),
        )
    _lay(page)
    if rng.random() < 0.4:
        _lay(page, share=0.35)
    _end(page)


@family(PHOTO, weight=0.8)
def stack_of_parcels(page: Page) -> None:
    """Cartons with tape, some with print."""
    words = page.words
    _start(page)
    for index in range(page.rng.randint(2, 4)):
        x, y = page.rng.uniform(10, 120), page.height * (0.1 + 0.22 * index)
        page.fill(x, y, x + 210, y + page.height * 0.24, mix((190, 150, 100), BLACK, 0.08 * index))
        page.fill(x + 90, y, x + 112, y + page.height * 0.24, (222, 200, 160))
        if words.chance(0.5):
            _print(
                page,
                words.pick("易碎品", "小心轻放", "此面向上", "生鲜", words.courier),
                x + 16,
                y + 12,
                15,
                (150, 40, 30),
            )
    _end(page)
