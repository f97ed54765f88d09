"""Screens from outside the shop's apps: rival shops, search, videos and notes, chats, calls and messages, the phone."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.reviews import review
from kdsl.world.screens.theme import WHITE, mix
from kdsl.world.screens.tracking import journey, moving
from kdsl.world.screens.words import Words


def wechat_parcel(page: Page, words: Words) -> None:
    """WeChat's parcel service."""
    page.gradient(0, 130, (40, 170, 100), (60, 190, 120))
    page.status_bar(colour=(40, 170, 100), ink=WHITE)
    page.centred(page.y + 14, "微信快递服务", 15, WHITE)
    page.y += 46
    with page.card():
        page.heading("订阅快递动态", "订阅")
        page.note("订阅以后，快递消息会发到服务通知里。")
    with page.card():
        page.pair(words.courier, words.number(14), private=True)
        for _, time, text in journey(words, 7):
            page.note(text, colour=page.theme.ink, size=13)
            page.note(time)
        page.note("展开全部")
    page.buttons(["联系快递公司", "分享"], None)


def search_result(page: Page, words: Words) -> None:
    """A search engine's answer about a waybill."""
    page.search_bar(words.courier + "单号查询", "")
    page.tabs(["综合", "笔记", "视频", "商品"])
    with page.card():
        page.heading(f"{words.courier}单号查询>", "官方")
        page.note(f"本服务由{words.courier}为您提供")
        page.heading(words.pick("已签收|运输中"), colour=page.theme.accent)
        page.note(f"发件时间:{words.stamp(60)}")
        page.note(f"最新进展:{words.stamp(2)} {moving(words)}", colour=page.theme.ink)
        page.pair("", "更多物流详情>")
    with page.card():
        page.pair("我的快递 一键查看全部快递", "查看")
        page.heading("更多官方服务>")
        page.note("客服电话   我要寄件   网点查询   投诉建议")
    with page.card():
        page.note(f"{words.city()}{words.courier}电话，网点地址和联系方式", colour=page.theme.ink)


def pinduoduo(page: Page, words: Words) -> None:
    """Pinduoduo: group price, options and payment in one panel."""
    product = words.product()
    page.status_bar()
    page.thing(0, page.y, WIDTH, page.y + 150, product.thing)
    page.y += 156
    with page.card():
        page.heading("百亿补贴", "官方补贴，全网低价")
        page.goods(product, price=False)
        page.heading(
            f"{words.pick('补贴价|万人团价|拼单价')}{words.price(product.price)}",
            f"仅剩{page.rng.randint(2, 30)}件",
            colour=page.theme.accent,
        )
        page.pair("已选：", product.spec)
        page.pair("购买数量", "- 1 +")
    with page.card():
        page.pair("平台优惠", f"百亿补贴已优惠{page.rng.randint(10, 400)}元")
        for way in ("多多支付(随机立减)", "微信支付", "支付宝", "花呗分期"):
            page.pair(way, "○")
        page.note("更换支付方式>")
    page.foot_buttons([f"立即支付{words.price(product.price)}"])


def pinduoduo_home(page: Page, words: Words) -> None:
    """Goods and groups of Pinduoduo."""
    page.title_bar(words.pick("商品详情|百亿补贴|多多果园"))
    page.thing(0, page.y, WIDTH, page.y + 240)
    page.y += 246
    page.heading(f"  拼单价{words.price()} 已拼10万+件", "")
    page.note("  全场包邮 退货包运费 极速退款 假一赔十", colour=page.theme.accent)
    page.note("  这些人刚刚拼单成功，可直接参与  快要抢光")
    page.foot_buttons(["单独购买", "发起拼单"], left=["店铺", "收藏", "客服"])


def jingdong(page: Page, words: Words) -> None:
    """Jingdong: order or product."""
    page.title_bar(words.pick("京东|订单详情|京东物流|商品详情"))
    with page.card():
        page.heading(words.pick("京东自营|京东快递 211限时达|PLUS会员"), "京豆")
        page.goods(words.product())
        page.pair("京东价", words.price(), colour=page.theme.accent)
        page.note(words.pick("京东配送 次日达 由京东发货并提供售后服务|京东物流 您的订单已完成配送|白条分期 免息"))
    with page.card():
        page.timeline(journey(words, 3))
    page.foot_buttons(words.pick("加入购物车,立即购买|申请售后,再次购买").split(","))


def douyin(page: Page, words: Words) -> None:
    """A short video or the shop of Douyin."""
    ground = mix(vivid(page.rng), (0, 0, 0), 0.6)
    page.fill(0, 0, WIDTH, page.height, ground)
    page.status_bar(colour=ground, ink=WHITE)
    page.centred(page.y + 8, words.pick("关注  推荐|直播  团购  商城  推荐|同城  关注  商城  推荐"), 15, WHITE)
    page.thing(60, 180, 300, 470)
    for index, text in enumerate(("赞", words.number(4), "评论", words.number(3), "收藏", "分享")):
        page.text(WIDTH - 26, 380 + index * 34, text, 12, WHITE, align="c")
    page.text(14, page.height - 130, "@" + words.say("nicknames"), 15, WHITE, bold=True)
    page.y = page.height - 106
    page.left = 14
    page.note(review(page) + words.pick(" #好物分享| #开箱| #618"), colour=WHITE, most=2)
    page.centred(page.height - 26, "首页   朋友   +   消息   我", 14, WHITE)


def notes_app(page: Page, words: Words) -> None:
    """A note of a sharing app."""
    page.status_bar()
    page.text(14, page.y + 8, "<  " + words.say("nicknames"), 14)
    page.text(WIDTH - 16, page.y + 8, words.pick("关注|打开看看"), 13, page.theme.accent, align="r")
    page.thing(0, page.y + 36, WIDTH, page.y + 340)
    page.y += 346
    page.heading(words.pick("会员生日礼怎么领|避雷帖：这家店|分享一个省钱小技巧|求助：快递丢了怎么办|开箱测评"))
    page.note(review(page) + review(page) + " #好物分享 #网购", colour=page.theme.ink, size=14)
    page.note(words.pick("编辑于 |") + words.stamp(200, "%m-%d") + " " + words.city())
    page.text(20, page.height - 40, "说点什么...", 13, page.theme.muted)
    page.text(
        WIDTH - 16, page.height - 40, f"赞{words.number(3)} 收藏{words.number(3)} 评论{words.number(2)}", 12, align="r"
    )


def text_messages(page: Page, words: Words) -> None:
    """Short messages of couriers, banks and shops."""
    page.status_bar()
    page.text(14, page.y + 8, "<", 18, page.theme.accent)
    page.centred(page.y + 10, words.pick("1069" + words.number(8), "95" + words.number(3), words.courier), 13)
    page.y += 40
    for _ in range(page.rng.randint(1, 4)):
        page.centred(page.y, words.pick("短信 ||今天 ") + words.stamp(9, "%H:%M"), 11, page.theme.muted)
        page.y += 20
        body = words.pick(
            f"【{words.courier}】您的快件已到{words.city()}，取件码{words.number(1)}-{words.number(4)}，请及时领取。",
            "【菜鸟裹裹】快递员和您说好不寄了，寄件单已取消，如有疑问请联系客服。",
            f"【支付宝】退款{words.price(sign='')}元已到账，可在账单中查看。",
            "【市场监管】您提交的举报已受理，请留意后续通知。",
            f"您尾号{words.number(4)}的储蓄卡支出人民币{words.price(sign='')}元，活期余额{words.number(4)}.12元。【银行】",
            "【淘宝】您申请的售后问题已升级处理，预计24小时内致电，拒收请回复R",
        )
        with page.card((226, 226, 232) if not page.theme.dark else None, inset=14, radius=14):
            page.note(body, colour=page.theme.ink, size=14)
    page.fill(50, page.height - 60, WIDTH - 20, page.height - 28, None, 16, page.theme.muted)
    page.text(64, page.height - 51, words.pick("短信|信息"), 13, page.theme.muted)


def phone_settings(page: Page, words: Words) -> None:
    """The phone's settings: about, storage, network, permissions."""
    page.title_bar(words.pick("关于本机|关于手机|设置|通用|蓝牙|应用权限|手机存储|电池"))
    rows = [
        ("手机名称", words.pick("我的手机|Phone 15|A2 Pro")),
        ("型号", "P" + words.number(4)),
        ("处理器", "八核 " + words.pick("天玑|骁龙") + words.number(4)),
        ("运行内存", words.pick("8.0 GB|12.0 GB")),
        ("存储空间", f"{page.rng.randint(20, 200)}.3 GB / 256 GB"),
        ("系统版本", f"{page.rng.randint(10, 18)}.{page.rng.randint(0, 5)}"),
        ("序列号", "F" + words.number(9)),
        ("保障期限", "有限保修 " + words.stamp(-5000, "%Y年%m月%d日")),
        ("屏幕尺寸", "6.72 英寸"),
        ("电池容量", "5000 mAh(典型值)"),
        ("软件更新", ">"),
        ("隔空投送", ">"),
        ("软件版本号", "14." + words.number(1)),
        ("WLAN", "已连接"),
        ("通知权限", "允许"),
        ("Android版本", "14"),
        ("IMEI", words.number(15)),
    ]
    with page.card():
        for key, value in page.rng.sample(rows, page.rng.randint(7, 12)):
            page.pair(key, value, private=key in ("序列号", "IMEI"))
            page.gap(6)


def call_log(page: Page, words: Words) -> None:
    """Calls with a seller or a courier."""
    page.title_bar(words.pick("最近通话|通话记录|电话"))
    page.tabs(["所有通话", "未接来电"])
    for index in range(9):
        page.pair(
            words.pick(
                "1" + words.number(10),
                "快递送餐",
                "未知号码",
                words.city() + " 0" + words.number(3) + "-" + words.number(7),
            ),
            words.stamp(5 * index, "%H:%M"),
            private=words.chance(0.5),
        )
        page.note(words.pick("呼出 1分12秒", "未接通", "响铃6声", words.city() + " 移动"))
    page.tab_bar(["个人收藏", "最近通话", "通讯录", "拨号键盘"], 1)


def chat_app(page: Page, words: Words) -> None:
    """A messenger: a chat or a transfer of money."""
    if words.chance(0.4):
        page.title_bar(words.pick("转账|"), centred=True)
        page.y += 60
        page.empty_picture(words.pick("待对方确认收款|已收款|对方一天没收，钱退回给你"), sub="提醒对方收款")
        page.centred(page.y, words.price(), 32, bold=True)
        page.y += 60
        page.pair("转账时间", words.stamp(form="%Y年%m月%d日 %H:%M:%S"))
        page.pair("收款时间", words.stamp(form="%Y年%m月%d日 %H:%M:%S"))
        return
    page.title_bar(words.say("nicknames"), centred=True)
    for index in range(6):
        mine = index % 2 == 1
        text = words.pick(
            "在吗|这个多少钱|发货了吗|转你了|好的|运费我出|地址发我一下|什么时候能到|退给我吧|[图片]|收到了谢谢"
        )
        width = len(text) * 15 + 24
        left = WIDTH - 56 - width if mine else 56
        page.oval(WIDTH - 28 if mine else 28, page.y + 18, 17, vivid(page.rng))
        page.fill(left, page.y, left + width, page.y + 36, (149, 236, 105) if mine else WHITE, 6)
        page.text(left + 12, page.y + 10, text, 15, (20, 20, 20))
        page.y += 58
    page.fill(46, page.height - 50, WIDTH - 90, page.height - 16, page.theme.card, 6)


def courier_app(page: Page, words: Words) -> None:
    """A courier's own app: sending a parcel or following one."""
    page.title_bar(words.pick("寄快递|运单详情|查快递|顺丰速运"))
    with page.card():
        page.note("按规定寄件需要实名认证，建议您先在线上完成实名")
        page.pair("寄 " + words.address(), "地址簿", private=True)
        page.pair("收 " + words.address(), "地址簿", private=True)
    with page.card():
        page.pair("期望上门时间", "今天一小时内>")
        page.pair("物品信息", "必填")
        page.pair("付款方式", words.pick("寄付现结>|到付>"))
        page.pair("预计送达时间 顺丰特快", "明天22:00前 ¥23起")
        page.pair("顺丰标快", "后天12:00前 ¥18起")
        page.note("基础保 这件物品不能保价")
    page.note("  我同意《电子运单条款》")
    page.foot_buttons([words.pick("下单|预估¥18 下单")])


def web_page(page: Page, words: Words) -> None:
    """A web page, a mail or a document in a browser."""
    page.search_bar(words.pick("www.baidu.com|m.example.cn/help|搜索或输入网址"), "")
    page.heading("  " + words.pick("百度百科|全国12315平台|国家企业信用信息公示系统|手机网页|论坛 - 求助帖|邮件"))
    with page.card():
        page.heading(words.pick("如何查询保修期|企业信息查询结果|旧手机回收价格|快递时效说明|怎么辨别真伪"))
        page.note(
            words.pick(
                "根据消费者权益保护法，经营者提供商品有欺诈行为的，应当增加赔偿。|"
                "登录官网输入序列号，可以查询产品的保修状态和到期日期。|"
                "您好，您的反馈我们已经收到，将在五个工作日内回复。"
            )
            + review(page),
            colour=page.theme.ink,
            most=9,
        )
        page.note("来源：网络  " + words.stamp(4000, "%Y-%m-%d"))
    page.strip(words.pick("相关推荐|广告"), 1)


def desktop(page: Page, words: Words) -> None:
    """The phone's home screen or its notifications."""
    page.gradient(0, page.height, vivid(page.rng), vivid(page.rng))
    page.centred(60, words.stamp(0, "%H:%M"), 56, WHITE)
    page.centred(126, words.stamp(0, "%-m月%-d日") + " " + words.pick("星期二|星期六|周五"), 15, WHITE)
    names = [
        "微信",
        "支付宝",
        "抖音",
        "相机",
        "设置",
        "京东",
        "拼多多",
        "地图",
        "音乐",
        "浏览器",
        "电话",
        "信息",
        "日历",
        "天气",
        "时钟",
        "相册",
    ]
    page.rng.shuffle(names)
    for index, name in enumerate(names[: page.rng.choice((8, 12, 16))]):
        x, y = 54 + 84 * (index % 4), 220 + 92 * (index // 4)
        page.fill(x - 24, y, x + 24, y + 48, vivid(page.rng), 11)
        page.text(x, y + 54, name, 11, WHITE, align="c")
