"""Other apps: rival shops and their parcels, couriers, messengers, wallets, devices at home, the phone's own pages."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.theme import WHITE
from kdsl.world.screens.tracking import journey
from kdsl.world.screens.words import Words


def rival_after_sales(page: Page, words: Words) -> None:
    """After-sales and orders of rival shops, in their own words."""
    page.title_bar(words.pick("售后详情|退款详情|服务单详情|订单详情"))
    page.banner(
        words.pick("京东审核通过|拼多多已退款|抖音商城 退款成功|服务单已完成|商家已同意 请寄出"),
        [words.pick("退至京东余额/原支付|退回微信零钱|退回抖音支付|PLUS会员专享")],
    )
    with page.card():
        page.goods(words.product())
        page.pair(
            words.pick("京东自营|百亿补贴 已拼|抖音小店|快手小店"), words.pick("闪电退款|上门换新|极速退款|京东快递")
        )
    page.rows(
        ("服务单号", words.number(11)),
        ("京豆返还", words.number(2)),
        ("支付方式", words.pick("白条|微信支付|抖音月付|京东支付")),
    )
    page.foot_buttons(words.pick("联系京东客服,取消服务单|官方客服,撤销|再次购买").split(","), None)


def takeaway(page: Page, words: Words) -> None:
    """Takeaway and errands: rider, dishes, packing fee."""
    page.title_bar(words.pick("订单已送达|美团外卖|骑手正在送货|京东秒送|朴朴超市|叮咚买菜"))
    if words.chance(0.5):
        page.map_area(170, words.pick("骑手距您900米|商家已出餐"), "")
    with page.card():
        page.heading(words.say("brands") + words.pick("(万达店)|便利店|烧烤"), "联系商家")
        for _ in range(3):
            page.pair(
                words.pick("招牌牛肉饭|珍珠奶茶 大杯|可乐|纸巾|鲜橙 500g|小炒黄牛肉"),
                words.price(page.rng.uniform(4, 50)),
            )
        page.pair("打包费", "¥1.00")
        page.pair("配送费", words.pick("¥0 已减3元|¥4.5"))
        page.pair("期望送达", "立即送达")
    page.foot_buttons(words.pick("再来一单,申请售后|催单,致电骑手|评价").split(","), None)


def second_hand(page: Page, words: Words) -> None:
    """Second-hand apps: a thing for sale, a talk with its seller, an order."""
    page.title_bar(words.pick("闲鱼|转转|宝贝详情|我发布的"))
    with page.card():
        page.pair(words.say("nicknames") + words.pick("  芝麻信用极好|  卖家 信用优秀"), words.city())
        page.text(page.left, page.y, words.price(), 24, page.theme.accent, bold=True)
        page.text(
            page.left + 120, page.y + 8, words.pick("包邮", "可小刀", f"{words.number(2)}人想要"), 12, page.theme.muted
        )
        page.y += 36
        page.note(
            words.pick("闲置转让，买来没怎么用，|九成新，搬家急出，|全新未拆，")
            + words.product().title
            + words.pick(" 不退不换| 非诚勿扰| 验货宝"),
            colour=page.theme.ink,
            size=14,
        )
        page.tiles(2, columns=2)
        page.note(f"浏览{words.number(3)}  留言{words.number(1)}")
    page.foot_buttons(words.pick("聊一聊,我想要,立即购买|超赞,收藏,我想要").split(","))


def phone_dialogs(page: Page, words: Words) -> None:
    """The phone's own questions, storage, recorder, permission, app store."""
    kind = page.rng.randrange(3)
    if kind == 0:
        page.gradient(0, page.height, vivid(page.rng), vivid(page.rng))
        page.dialog(
            words.pick("“淘宝”想给您发送通知|允许访问照片？|无法连接网络|电量不足"),
            words.pick("可以在设置里修改|剩余电量20%|请检查蜂窝数据"),
            ["不允许", "允许"],
        )
        return
    if kind == 1:
        page.search_bar(words.pick("App Store|应用商店"), words.pick("取消|搜索"))
        for _ in range(5):
            page.pair(
                words.pick("手机淘宝|京东|微信|智能家居|打印助手|儿童手表") + words.pick("| 4.8★"),
                words.pick("获取|打开|更新|安装"),
            )
            page.note(words.pick("购物|工具|12+ 1.2亿次安装"))
            page.gap(10)
        page.tab_bar(["Today", "游戏", "App", "搜索"], 3)
        return
    page.title_bar(words.pick("屏幕使用时间|流量使用情况|短信验证码|通话录音|WLAN|电池健康"))
    page.rows(
        *[
            (
                words.pick("淘宝", "今日用量", "最大容量", "已连接 home_5G", "录音 " + words.number(4)),
                words.pick("2.1GB|3小时12分|86%|00:32|>"),
            )
            for _ in range(8)
        ]
    )


def wechat_pages(page: Page, words: Words) -> None:
    """A messenger's groups, moments, official accounts, small programs, payment notices."""
    kind = page.rng.randrange(3)
    if kind == 0:
        page.title_bar(words.pick("微信支付|服务通知|公众号|微信"))
        for name in ("支付凭证", "退款到账通知", "物流签收提醒"):
            page.centre(words.short(page.rng.uniform(1, 90)), 11, page.theme.muted)
            with page.card():
                page.heading(name)
                page.pair(words.pick("付款金额|退款金额|订单号"), words.price())
                page.pair("收款方", words.pick("美团", "拼多多平台商户", words.shop))
                page.pair(words.pick("进入小程序查看|账单详情"), ">")
    elif kind == 1:
        page.title_bar(
            f"{words.pick('团购群|业主群|售后服务群|相亲相爱一家人')}({page.rng.randint(3, 480)})", centred=True
        )
        for index in range(5):
            page.text(56, page.y, words.say("nicknames"), 10, page.theme.muted)
            page.y += 14
            page.bubble(
                words.pick("[链接]|群主在吗|这个怎么退|红包来啦|接龙 1.李姐 2份|拍立得|支付宝转你"),
                mine=index % 3 == 2,
                colour=(149, 236, 105) if index % 3 == 2 else None,
            )
    else:
        page.title_bar(words.pick("朋友圈|视频号|小程序|发现"), centred=True)
        for _ in range(3):
            page.heading("  " + words.say("nicknames"))
            page.note(words.say("review_sentences"), colour=page.theme.ink)
            page.tiles(page.rng.randint(1, 3))
            page.note(words.pick("2小时前|昨天|1分钟前") + "  赞 评论")


def courier_official(page: Page, words: Words) -> None:
    """A courier's own site or small program."""
    page.title_bar(words.pick("顺丰速运+|中通快递|邮政EMS|德邦快递|圆通小程序|京东快递 运单详情"), centred=True)
    page.icons(["查快递", "寄快递", "网点查询", "在线客服"])
    with page.card():
        page.pair("运单号", words.number(14), private=True)
        page.steps_bar(["收件", "转运", "派件", "签收"], page.rng.randint(1, 3))
        page.timeline(journey(words, 4))
    page.rows(
        ("寄件人", words.city()),
        ("收件人", words.city()),
        ("计费重量", "1.0kg"),
        ("保价金额", "0.00"),
        ("付款方式", "寄付月结"),
        keep=0.7,
    )
    page.foot_buttons(["评价快递员", "再寄一件", "官网客服"], None)


def wallet_bill(page: Page, words: Words) -> None:
    """A payment in another wallet, seen afterwards."""
    page.title_bar(words.pick("|账单详情"), centred=True)
    page.y += 40
    page.centred(page.y, "扫二维码付款-给" + words.say("nicknames"), 14, private=True)
    page.centred(page.y + 30, "-" + words.price(sign=""), 34, bold=True)
    page.y += 96
    for key, value in (
        ("当前状态", words.pick("支付成功|已全额退款|对方已收钱")),
        ("收款方备注", "二维码收款"),
        ("支付方式", words.pick("零钱|零钱通|银行卡")),
        ("转账时间", words.stamp(form="%Y年%-m月%-d日 %H:%M:%S")),
        ("转账单号", words.number(24)),
    ):
        page.pair(key, value, private=key == "转账单号")
    page.gap(16)
    page.heading("账单服务")
    page.note("对订单有疑惑  发起群收款  联系收款方")


def courier_fee(page: Page, words: Words) -> None:
    """A courier's bill for one parcel."""
    rng = page.rng
    page.title_bar(words.pick("费用明细|运单详情"), right=["运单详情>"])
    fee = rng.randint(12, 90)
    with page.card():
        page.heading("费用合计", f"￥{fee}")
        page.note("对运费有疑问?")
        page.pair("基础运费", f"￥{fee}")
        page.note(f"首重(1.0kg){fee / 3:.1f}元,续重6.0元/kg;{words.pick('顺丰标快|特快专递|标准快递')}")
        page.pair("计费类型", words.pick("按重量计费|按体积计费"))
        page.pair("计费重量", f"{rng.randint(1, 16)}.0kg")
        page.pair("保价费", "￥0")
    with page.card():
        page.note("这次的运费说明您看懂了吗？")
        page.buttons(["不清晰", "很清晰"], None)


def courier_mini_page(page: Page, words: Words) -> None:
    """A courier's tracking inside another app."""
    page.title_bar(words.pick("快递详情|物流详情|快件跟踪|快递100"), centred=True)
    with page.card():
        page.pair(words.courier, words.number(14), private=True)
        page.pair(words.pick("5元起寄全国|免费包裹等您来领"), words.pick("立即领取|+订阅物流"))
    with page.card():
        for _, time, text in journey(words, 6):
            page.note(time)
            page.note(text, colour=page.theme.ink, size=13)
    page.note("  更新可以打给快递公司或问卖家。电话：95" + words.number(3))


def gadget_app(page: Page, words: Words) -> None:
    """The app of a camera, a watch or another device at home."""
    page.title_bar(words.pick("摄像头|智能家居|运动健康|儿童手表|扫地机器人"), right=["设置"])
    page.fill(0, page.y, WIDTH, page.y + 210, (50, 54, 60))
    page.text(14, page.y + 10, words.stamp(), 12, WHITE)
    page.centred(page.y + 92, words.pick("设备离线|实时画面|连接中...|正在充电"), 16, WHITE)
    page.y += 218
    page.chips(words.some("生活报告|睡眠记录|消息|媒体库|对讲|回放|电量80%|固件升级", 4, 7))
    with page.card():
        for key in words.some("设备信息|网络设置|使用帮助|分享设备|删除设备", 3, 5):
            page.pair(key, ">")
    page.tab_bar(["设备", "场景", "商城", "我的"])


def blocked_messages(page: Page, words: Words) -> None:
    """Advertising messages of shops in the message list."""
    page.title_bar(words.pick("骚扰拦截|通知类短信|信息|黑名单拦截"))
    for index in range(6):
        page.heading(
            words.pick("淘宝", "天猫", "1069" + words.number(9), words.say("brands")), words.stamp(index * 30, "%H:%M")
        )
        page.note(
            words.pick("权益以app里写的为准|好物推荐，快来看看>|您的会员权益即将到期 退订回T|大促开始啦，点击查看")
        )


def rival_options(page: Page, words: Words) -> None:
    """The option panel of another shop's app, with its own subsidy words."""
    product = words.product()
    page.status_bar()
    page.thing(0, page.y, WIDTH, page.y + 90, product.thing)
    page.y += 96
    with page.card():
        page.note("正品带票·顺丰送货·可退换")
        page.heading("百亿补贴", "官方补贴，全网低价")
        page.goods(product, price=False)
        page.heading(
            f"券后{words.price(product.price)} 补贴价{words.price(product.price * 1.05)}", colour=page.theme.accent
        )
        page.note(f"正品保障 平台验过真，放心买  已选:{product.spec}")
        for key, values in product.options.items():
            page.heading(key)
            page.chips(values, 0)
        page.pair("送货入户", "即将恢复原价")
    page.foot_buttons([words.pick("立即支付|免拼购买|确定")])


def video_with_bar(page: Page, words: Words) -> None:
    """A video with comments flying over it."""
    page.fill(0, 0, WIDTH, page.height, (12, 12, 14))
    page.thing(0, 210, WIDTH, 520)
    page.text(14, 40, words.pick("关注|已关注"), 14, WHITE)
    page.y = page.height - 120
    page.text(14, page.y, words.pick("今天试穿这一件...展开全文|测评来了...展开|路边随手拍"), 14, WHITE)
    page.text(14, page.y + 60, words.pick("发弹幕|说点什么|喜欢就点个赞"), 13, (170, 170, 170))
    page.text(
        WIDTH - 14, page.y + 60, f"{words.number(3)}   {words.number(2)}   {words.number(2)}", 13, WHITE, align="r"
    )


def rival_parcel(page: Page, words: Words) -> None:
    """A parcel in another shop's app."""
    page.title_bar(words.pick("配送详情|订单跟踪|物流信息"))
    with page.card():
        page.heading(words.pick("京东快递 配送中|抖音电商 运输中|拼多多 派送中"), "在线客服")
        page.timeline(journey(words, 4))
    with page.card():
        page.goods(words.product())
        page.note(words.pick("京豆 优惠券 PLUS权益|抖音商城 极速退|多多驿站 拼单返现"))
