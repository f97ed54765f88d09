"""What a user owns: bills, purses, red packets, membership."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.theme import WHITE
from kdsl.world.screens.toolkit import APP_TABS
from kdsl.world.screens.words import Words


def bill_detail(page: Page, words: Words) -> None:
    """账单详情: one transaction."""
    page.title_bar("账单详情", centred=words.chance(0.5))
    back = words.chance(0.4)
    value = page.rng.uniform(0, 300)
    with page.card():
        page.oval(WIDTH / 2, page.y + 22, 20, page.theme.accent if back else (220, 30, 40))
        page.centred(page.y + 12, "退" if back else words.pick("淘|猫"), 18, WHITE)
        page.centred(page.y + 52, words.shop, 14, private=True)
        page.centred(page.y + 76, words.pick(f"-{value:.2f}", "-0.00", f"+{value:.2f}", "0.00"), 28, bold=True)
        page.centred(
            page.y + 112,
            words.pick("交易成功", "退款成功", "有退款>", f"已退款(¥{value * 0.9:.2f})>", "发放金失效", "支付成功"),
            13,
            page.theme.muted,
        )
        page.y += 136
        rows = [
            ("关联记录", words.pick("查看关联记录|查看原账单"), False),
            ("管理自动扣款", "小额免密支付", False),
            ("支付时间", words.stamp(30), False),
            ("创建时间", words.stamp(30), False),
            ("付款方式", words.pick("花呗>|余额宝>|淘宝零钱>"), False),
            ("商品说明", words.product().title, True),
            ("订单号", words.order(), True),
            ("商家订单号", words.number(20), True),
        ]
        for key, text, private in [row for row in rows if words.chance(0.65)]:
            page.pair(key, text, private=private)
        if words.chance(0.4):
            page.heading("订单详情", "")
    if words.chance(0.3):
        with page.card():
            page.pair("支付有福利", "线下付款红包3元 去领取")
    with page.card():
        page.heading("账单管理")
        page.pair("账单分类", words.pick("退款>|服饰装扮>|餐饮美食>|日用百货>|数码电器>"))
        page.pair("标签和备注", "添加>")
        if words.chance(0.4):
            page.pair("计入收支", "✓")
    with page.card():
        for text in words.some("查看往来记录|往来流水证明|对此订单有疑问|申请电子回单", 2, 3):
            page.note(text, colour=(40, 90, 180))


def bill_list(page: Page, words: Words) -> None:
    """A list of transactions by month."""
    page.search_bar("搜索交易记录", "搜索")
    page.tabs(["全部", "支出", "转账", "退款", "筛选"])
    page.heading(f"  {page.rng.randint(1, 12)}月", "收支分析>")
    page.note(f"  支出￥{page.rng.uniform(100, 20000):,.2f}  收入¥{page.rng.uniform(0, 9000):,.2f}")
    with page.card():
        for index in range(page.rng.randint(6, 10)):
            page.oval(page.left + 14, page.y + 16, 14, page.rng.choice(((255, 98, 0), (22, 119, 255), (220, 30, 40))))
            page.text(
                page.left + 36,
                page.y,
                words.pick(words.shop, "天猫超市", "余额宝-收益发放", "转账", "话费充值"),
                14,
                private=words.chance(0.6),
            )
            page.text(
                page.left + 36,
                page.y + 19,
                words.pick("餐饮美食|日用百货|投资理财|服饰装扮") + " " + words.short(30 * index),
                11,
                page.theme.muted,
            )
            page.text(page.right, page.y + 5, words.pick("-|-|+") + words.price(sign=""), 15, align="r")
            if words.chance(0.2):
                page.text(page.right, page.y + 24, f"已退款({words.price()})", 10, page.theme.accent, align="r")
            page.y += 46


def small_change(page: Page, words: Words) -> None:
    """我的零钱: Taobao's own purse."""
    page.title_bar(words.pick("我的零钱|零钱账单"), right=["账单"])
    cash = page.rng.choice((20.0, 0.0, 1.5, 36.8))
    if words.chance(0.7):
        with page.card():
            page.note("零钱余额(元)")
            page.text(page.left, page.y, f"{cash:.2f}", 30, bold=True)
            page.y += 40
            page.note(f"其中{cash:.1f}元为淘宝发放")
            page.note("零钱不能用来付运费和话费 详细规则>")
            page.buttons(["提现", "充值"])
        with page.card():
            page.pair("淘礼卡 送给在乎的人", "立即赠送>")
            page.pair("帮人充零钱 对方没有绑卡也能买", "去帮人充")
            page.pair("有一笔充值没付款", "去看看")
            page.chips(["充10元", "充20元", "充30元", "充50元", "充100元", "充200元"])
            page.buttons(["找人充", "去充值"])
        page.note("  充值前请阅读《零钱服务协议》和《隐私规则》")
        page.note("  资金安全由支付宝保障")
    else:
        with page.card():
            for index in range(9):
                page.pair(
                    words.pick("充入零钱-发放金|购物使用-发放金|退回零钱-发放金|零钱提现"),
                    words.pick("+20>|-20>|+1.50>|-0.30>"),
                )
                page.note(words.stamp(60 * index))


def withdrawals(page: Page, words: Words) -> None:
    """Coins and cash: what was earned and drawn."""
    page.title_bar(words.pick("余额|提现记录|收支明细|元宝明细"))
    page.tabs(words.pick("元宝,余额,提现,其它|全部,收入,支出|元宝,现金").split(","), 1)
    with page.card():
        page.pair(words.pick("累计已提现|当前元宝总额（个）|累计获得"), f"{page.rng.uniform(1, 90):.2f}元")
        page.pair("今日已提现", f"{page.rng.uniform(0, 5):.2f}元")
        page.note("仅展示最近30次明细")
    with page.card():
        for index in range(8):
            page.pair(
                words.pick("主动提现淘宝零钱|主动提现支付宝|每天签到得支付宝|扭蛋奖励到支付宝|每天签到得淘宝零钱"),
                f"+{page.rng.uniform(0.03, 20):.2f}元",
                colour=(220, 60, 50),
            )
            page.note(words.stamp(30 * index, "%Y.%m.%d %H:%M:%S"))


def packet_detail(page: Page, words: Words) -> None:
    """红包详情: one red packet that the user holds."""
    value = words.price(page.rng.uniform(1, 60))
    page.title_bar("红包详情")
    page.banner(value, ["可用余额"])
    with page.card():
        page.heading("基本信息")
        page.pair("红包名称", words.pick("天猫没货赔的红包|发货太慢赔的红包|淘宝通用红包|超级现金红包"))
        page.pair("初始面额", value)
        page.pair("开始时间", words.stamp(200))
        page.pair("截止时间", words.stamp(-5000))
        page.pair("延期规则", "因退款退回，延期后仍可使用")
        page.pair("使用规则", "限天猫实物商品")
    with page.card():
        page.heading("历史记录")
        page.pair("领取红包 " + words.short(200), f"+{value}元")


def my_packets(page: Page, words: Words) -> None:
    """Red packets and coupons already held."""
    page.title_bar(words.pick("红包卡券|我的红包|我的优惠券|88VIP每日红包"), right=["会员助手"])
    page.tabs(words.pick("我的红包,优惠券,卡包|未使用,已使用,已过期|我的天天红包,已发红包,待发红包").split(","))
    page.note(
        words.pick("  零点过后自动入账", f"  可用红包{page.rng.randint(1, 30)}个 已省金额{page.rng.randint(5, 90)}元")
    )
    for _ in range(4):
        page.coupon(
            f"¥{page.rng.choice((2, 3, 5, 10, 15))}",
            words.pick("满2.01可用|无门槛|满10可用"),
            words.pick("天天红包|超级红包|店铺红包|缺货赔付红包"),
            words.pick("去使用|发放中|已使用|已过期|明日生效"),
            sub="有效期至" + words.stamp(-300),
        )
    page.note("  查看更多红包>  查看失效红包")


def membership(page: Page, words: Words) -> None:
    """The member's account: card, fee, rights, renewal."""
    page.title_bar(words.pick("88VIP|会员中心|88VIP影音会员|我的会员"), right=["会员助手"])
    page.banner(
        words.pick("您的生活卡即将到期|您已获得限时开通资格|会员权益已生效|享88元起开通88VIP"),
        [f"成为88VIP已有{page.rng.randint(20, 2500)}天 近1年为您省{words.price()}"],
        ((60, 50, 46), (120, 96, 70)),
    )
    page.tabs(["生活卡", "购物卡", "全能卡"])
    with page.card():
        page.heading("权益对比", "只看不同")
        for name, value in (
            ("优酷/芒果", "248元/年"),
            ("网易云音乐", "216元/年"),
            ("退货包运费", "无限次"),
            ("饿了么", "240元"),
            ("购物95折", "百万商品"),
        ):
            page.pair(name, value)
    with page.card():
        page.heading(words.pick("自动续费管理|选择连续包年，限时加赠权益>"))
        page.note("淘气值不满一千须付888元每年 付款前请看88VIP协议")
    page.foot_buttons([words.pick("生活卡88元一年|立即激活|「生活卡」年费88元自动续|立即续费")])


def assets(page: Page, words: Words) -> None:
    """The purse of Alipay or a credit page."""
    page.title_bar(words.pick("我的|花呗|余额|芝麻信用|总资产"))
    page.banner(
        words.pick("总额度(元)|余额(元)|本月应还(元)|已守约"),
        [words.price(sign=""), words.pick("查看账单|得到一颗芝麻粒，去攒>")],
    )
    with page.card():
        for key in words.some("余额|余额宝|花呗|银行卡|芝麻信用|网商银行|理财|全部账单|转入|提现", 5, 8):
            page.pair(key, words.pick(">", words.price(), "立即查看"))
    with page.card():
        page.pair("商家", words.shop, private=True)
        page.pair("退款金额", words.price(sign=""))
        page.pair("创建时间", words.stamp(100))
    page.foot_buttons(words.some("联系商家|我的客服|删除记录|还款|转入", 2, 3), None)


def credit_bill(page: Page, words: Words) -> None:
    """A month's bill of a credit line."""
    page.title_bar(words.pick("花呗账单|我的花呗|本月账单|借呗|月付"))
    page.banner(
        words.price(sign=""), [words.pick("本月应还(元)|剩余待还(元)|可用额度(元)"), words.pick("每月10日还款|已还清")]
    )
    page.tabs(words.pick("已出账,未出账|全部账单,分期,还款记录").split(","))
    with page.card():
        for index in range(6):
            page.pair(
                words.pick(words.shop, "淘宝-" + words.product().noun, "退款-" + words.shop, "超市"),
                words.pick("|-") + words.price(),
            )
            page.note(words.stamp(30 * index, "%m-%d") + words.pick(" 消费| 分期3/12期| 已退款| 待还"))
    page.foot_buttons(words.pick("立即还款|提前还款,分期还|查看历史账单").split(","))


def points_ledger(page: Page, words: Words) -> None:
    """Coins and points: what came and went."""
    page.title_bar(words.pick("淘金币明细|积分明细|金币账户|我的积分|会员积分|淘气值"))
    page.banner(words.number(4), [words.pick("我的淘金币|可用积分|当前淘气值"), words.pick("年底清零|100金币抵1元")])
    page.tabs(["全部", "收入", "支出"])
    with page.card():
        for index in range(8):
            page.pair(
                words.pick("购物奖励|签到|下单抵扣|退款返还|活动赠送|积分过期|评价奖励"),
                words.pick("+|-") + words.number(2),
            )
            page.note(words.stamp(40 * index))


def my_page(page: Page, words: Words) -> None:
    """我的: the user's own page with counters, orders, assets."""
    page.gradient(0, 170, page.theme.accent_2, page.theme.page)
    page.status_bar(colour=page.theme.accent_2)
    page.oval(44, page.y + 40, 28, (200, 190, 180))
    page.text(84, page.y + 22, words.say("nicknames"), 18, bold=True, private=True)
    page.text(84, page.y + 48, words.pick("淘气值 812 >|88VIP会员|普通会员 · 去开通"), 12)
    page.y += 82
    with page.card():
        page.icons([f"{page.rng.randint(0, 99)} " + name for name in ("收藏", "关注", "足迹", "红包卡券")])
    with page.card():
        page.heading("我的订单", "全部>")
        page.icons(["待付款", "待发货", "待收货", "待评价", "退款/售后"], 5)
    with page.card():
        page.heading(words.pick("我的资产|我的钱包|账户资产"))
        page.icons(words.some("红包 5.2|优惠券 12|淘金币|余额 0.00|花呗|礼品卡|购物金|积分", 4, 8))
    page.tab_bar(APP_TABS, 4)


def gift_card(page: Page, words: Words) -> None:
    """Shopping money, gift cards and deposits in the account."""
    page.title_bar(words.pick("购物金|礼品卡|我的储值|淘礼金|会员卡包|保证金账户"), right=["明细"])
    page.banner(words.price(), [words.pick("购物金余额|账户余额|可用金额"), words.shop])
    page.rows(
        ("充值本金", words.price()), ("赠送金额", words.price()), ("有效期至", words.stamp(-5000, "%Y.%m.%d")), keep=0.9
    )
    with page.card():
        page.heading(words.pick("使用记录|变动明细|交易记录"))
        for index in range(5):
            page.pair(
                words.pick("消费抵扣|充值|退款退回|赠送到账"),
                words.pick("+|-") + words.price(),
                colour=page.theme.accent,
            )
            page.note(words.stamp(70 * index))
    page.foot_buttons(words.pick("申请退款,去充值|提现|去使用").split(","))


def held_coupons_tabs(page: Page, words: Words) -> None:
    """Coupons already held, used, expired."""
    page.title_bar(words.pick("优惠券|卡券包|红包|我的卡券"), right=["使用说明"])
    page.tabs([f"可使用({page.rng.randint(0, 30)})", "已使用", "已过期"], page.rng.randint(0, 2))
    action = words.pick("去使用|已使用|已过期|待生效")
    for _ in range(5):
        page.coupon(
            f"¥{page.rng.randint(1, 60)}",
            words.pick("无门槛|满99可用|满299可用"),
            words.say("coupon_names"),
            action,
            sub="有效期至" + words.stamp(-99, "%Y.%m.%d %H:%M"),
        )
