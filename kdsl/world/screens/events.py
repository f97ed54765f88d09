"""Promotions that tell of themselves: festivals, check-ins, posters, subsidies, lotteries, the terms of an offer."""

from __future__ import annotations

from kdsl.world.screens.page import WIDTH, Page
from kdsl.world.screens.product_pictures import vivid
from kdsl.world.screens.theme import WHITE, Colour
from kdsl.world.screens.words import Words

RED: Colour = (226, 24, 54)
FESTIVALS = ("618年中狂欢节", "618狂欢节", "双11狂欢节", "年货节", "38焕新周", "99划算节", "双12年终好价节")
HALLS = ("主会场", "天猫榜单", "直播会场", "我的618", "全部会场")


def amount(words: Words) -> tuple[str, str]:
    """A face value with its threshold: ('¥80', '满500可用')."""
    value, limit = words.rng.choice(
        (
            (5, 74),
            (10, 184),
            (15, 400),
            (20, 300),
            (25, 199),
            (30, 480),
            (50, 600),
            (60, 500),
            (80, 500),
            (100, 1200),
            (120, 1000),
            (150, 1000),
            (200, 1500),
            (250, 2980),
            (300, 2980),
            (400, 3980),
            (400, 5000),
        )
    )
    sign = words.pick("¥{}", "¥{}", "{}元")
    return sign.format(value), words.pick(f"满{limit}可用", f"满{limit}可用", f"实付满{limit}元可用", "无门槛")


def festival_head(page: Page, words: Words, title: str, height: float = 150) -> None:
    """A loud gradient with a festival's name and dates."""
    first = words.rng.choice((RED, (250, 60, 90), (120, 40, 200), (30, 60, 180), (250, 120, 40)))
    page.fill(0, 0, WIDTH, page.height, first)
    page.status_bar(colour=first, ink=WHITE)
    page.gradient(page.y, page.y + height, first, (255, 150, 130))
    page.text(14, page.y + 10, "<", 17, WHITE)
    page.centred(page.y + 36, title, 30 if len(title) < 9 else 24, WHITE, bold=True)
    page.centred(
        page.y + 84,
        words.pick(
            f"活动时间：{words.stamp(200, '%-m月%-d日')}20点至{words.stamp(-200, '%-m月%-d日')}",
            f"{words.stamp(200, '%-m.%-d')}晚8点-{words.stamp(-200, '%-m.%-d')} 热卖中",
            "官方直降超千元",
            "大额补贴发不停",
        ),
        14,
        WHITE,
    )
    page.y += height


def spending_progress(page: Page, words: Words) -> None:
    """Spend so much, get a red packet: a bar with steps."""
    goal = words.rng.choice((5000, 10000))
    with page.card((255, 240, 220)):
        page.pair(f"6.15前买满{goal} 送 {goal // 20} 红包", "任务明细", colour=RED)
        page.note(f"再买{page.rng.uniform(100, 4000):.2f}元可领{goal // 20}元红包", colour=RED)
        for index, text in enumerate(("5元", "10元", "10元", "15元", f"{goal // 20}元")):
            page.text(40 + index * 66, page.y + 6, text, 13, RED, align="c", bold=True)
            page.text(40 + index * 66, page.y + 26, words.pick("已领|待使用|满减红包"), 10, (150, 90, 60), align="c")
        page.y += 46
        page.note(f"您已累计消费{page.rng.uniform(10, 9000):.2f}元")


def _sign_in_days(page: Page, words: Words) -> None:
    day = page.rng.randint(3, 60)
    with page.card((255, 248, 235)):
        page.pair("连续签到奖励", "提醒", colour=RED)
        page.note(f"{words.pick('t*h|M*i|道*一|小**鱼')}提现{words.pick('3|10|30')}元，推荐您参与")
        for index in range(6):
            x = 40 + index * 55
            page.fill(x - 24, page.y, x + 24, page.y + 66, (255, 226, 180), 6)
            page.text(x, page.y + 6, words.pick("领现金|领现金|领现"), 10, RED, align="c")
            page.text(x, page.y + 26, str(280 + 20 * index + day), 14, RED, align="c", bold=True)
            page.text(
                x,
                page.y + 48,
                ["已领取", "已领取", "今天", "明日领", f"第{day + 4}天", f"第{day + 5}天"][index],
                10,
                (150, 90, 60),
                align="c",
            )
        page.y += 74


def sign_in_cash(page: Page, words: Words) -> None:
    """签到领现金: daily check-in for coins that become cash."""
    page.fill(0, 0, WIDTH, page.height, (240, 70, 40))
    page.theme = type(page.theme)(page.theme.app, page=(240, 70, 40), bar=(240, 70, 40), bar_ink=WHITE)
    page.title_bar(
        words.pick("签到领现金|签到领现金|签到领红包"), right=["更多", words.pick("小说|看小说")], centred=True
    )
    page.centred(page.y + 8, f"{page.rng.uniform(0.1, 15):.2f}元", 32, WHITE, bold=True)
    page.text(40, page.y + 18, words.pick("赚50元|日领红包|日领现金"), 12, WHITE)
    page.text(WIDTH - 60, page.y + 18, words.pick("攒满提现|立即提现10元"), 13, WHITE, align="c")
    page.centred(page.y + 50, f"仅差{page.rng.randint(1000, 99999)}元宝{words.pick('|可兑换红包')}", 12, WHITE)
    page.y += 76
    _sign_in_days(page, words)
    page.fill(60, page.y, WIDTH - 60, page.y + 44, (255, 200, 60), 22)
    page.centred(page.y + 12, words.pick("继续领钱|立即签到|明天再来"), 19, RED, bold=True)
    page.text(WIDTH - 40, page.y + 16, "赚元宝", 12, WHITE, align="c")
    page.y += 54
    page.chips(words.some("斗地主 +80|淘宝乐园|连连消|芭芭农场|看小说|逛直播", 3, 5))
    page.strip("", 1)
    if words.chance(0.45):
        with page.sheet(page.rng.uniform(180, 330), "元宝攒够换奖励"):
            page.pair("我的元宝 " + words.number(5), "一个月不来签到，元宝清空")
            page.heading(words.pick("换红包 一万元宝换红包 更合算|限量超值 一万元宝换两元红包"))
            page.tickets(
                [
                    ("¥12.5", "淘宝通用 无门槛", "立即兑换"),
                    ("¥3", "满10元可用", "立即兑换"),
                    ("¥5", "满15可用", words.pick("立即兑换|已兑换")),
                ]
            )
            page.heading("换现金 一万元宝换一元")
            page.tickets([("¥10", "支现金", "明天10点开抢"), ("¥30", "支现金", words.pick("已抢完|每日限量"))])


def festival_hall(page: Page, words: Words) -> None:
    """A festival's hall: slogans, subsidies, goods, halls at the foot."""
    festival_head(page, words, words.pick(*FESTIVALS, "大牌美妆 抢买送正", "苹果盛典", "领券中心", "百亿补贴"))
    if words.chance(0.5):
        spending_progress(page, words)
    with page.card():
        page.heading(words.pick("大额补贴发不停|天猫美妆有惊喜|官方直降|超值大牌|限时直降"), words.pick("更多|规则|"))
        page.note(words.pick("每天两场抢美妆大额券|上午、晚上各放一批，数量有限当日有效|12期免息 以旧换新"))
        page.tickets(
            [(*amount(words), words.pick("立即抢|已抢光|06.11可领|限量")) for _ in range(words.rng.choice((2, 2, 3)))]
        )
    if words.chance(0.5):
        with page.card():
            page.heading(words.pick("一日一大牌|限时直降|抢买正送正|爆款直降"), "更多")
            for index in range(3):
                page.thing(24 + index * 108, page.y, 120 + index * 108, page.y + 96)
                page.text(72 + index * 108, page.y + 100, words.price(), 13, RED, align="c", bold=True)
            page.y += 122
    page.strip("", 1)
    page.tab_bar(list(HALLS), 0)
    if words.chance(0.25):
        page.toast(words.pick("活动火爆，请稍后再试~|活动火爆，稍后刷新|当前活动太火爆啦"))


def member_rights(page: Page, words: Words) -> None:
    """88VIP: rights, points and things to swap."""
    page.fill(0, 0, WIDTH, page.height, words.rng.choice(((240, 90, 110), (40, 60, 66), (250, 170, 170))))
    page.title_bar("88VIP", right=["会员助手"])
    names = [
        "退货包运费",
        "购物95折",
        "分期福利",
        "专享立减",
        "售后保障包",
        "装扮特权",
        "连续包年礼",
        "省钱账单",
        "全部权益",
        "88碳账户",
    ]
    for index, name in enumerate(names[:10]):
        x, y = 40 + 70 * (index % 5), page.y + 10 + 52 * (index // 5)
        page.oval(x, y + 12, 13, (255, 220, 200))
        page.text(x, y + 30, name, 10, WHITE, align="c")
    page.y += 118
    with page.card():
        page.heading(words.pick("天天抽好几轮奖，快来蹲|原价茅台每日抽|限时可抽新品|88VIP独享福利"), "查看")
        page.note(words.pick("贵州茅台酒 每日88瓶 飞天53度|视频会员二选一|会员专享 限时抽奖"))
    with page.card((255, 240, 240)):
        page.heading("88VIP消费券", "规则")
        page.tickets([("¥400", "实付满¥5000可用", ""), ("¥100", "实付满¥1200可用", "")])
        page.note(words.pick("积分还不够 去赚积分|领88VIP消费券|6月3日晚截止兑换"), colour=RED)
    page.foot_buttons([words.pick("立即兑换|立即升级|提醒我|去赚积分")])


def swap_detail(page: Page, words: Words) -> None:
    """权益兑换详情页: points for a product."""
    page.title_bar(words.pick("权益兑换详情页|积分兑换|免费领取"))
    page.thing(0, page.y, WIDTH, page.y + 300)
    page.y += 308
    points = page.rng.choice((188, 388, 888, 1888))
    with page.card():
        page.heading(f"{points}积分+1元", words.pick("88VIP邀友|限时兑换"), colour=RED)
        page.note(words.product().title, colour=page.theme.ink)
        page.pair("权益详情", "兑后积分不退")
        page.note("权益说明：每位用户限兑1次，兑换后15天内有效，数量有限先到先得")
    page.foot_buttons([words.pick("立即兑换|当前积分不足|已兑完")], left=[])
    if words.chance(0.3):
        page.toast("囤货活动火爆，请稍后再试")


def red_packet_rain(page: Page, words: Words) -> None:
    """整点抢红包 and games for red packets."""
    festival_head(page, words, words.pick("整点抢红包|红包签到|摇现金|喵果总动员|天天抽大奖|芭芭农场"), 140)
    with page.card((255, 244, 230)):
        page.heading(
            f"本场还剩 00:{page.rng.randint(10, 59)}:{page.rng.randint(10, 59)}",
            words.pick("规则|每场可领1个"),
            colour=RED,
        )
        page.tickets(
            [
                ("¥5", "满5.01可用", words.pick("已过期|立即抢")),
                ("¥1.2", "满5元可用", "下场再来"),
                ("¥3", "满20元可用", "去使用"),
            ]
        )
        page.note("下场14点开始 完成任务，多得一次机会")
    with page.card():
        for name in words.some("浏览15秒得机会|邀请好友助力|逛一逛会场|搜索指定商品|下单得次数", 3, 4):
            page.pair(name, "去完成")
    page.strip("", 1)


def rules_page(page: Page, words: Words) -> None:
    """活动规则 in full."""
    page.title_bar(words.pick("活动规则|活动详情|玩法规则"))
    page.y += 4
    with page.card():
        page.heading(words.pick("一、活动时间|活动时间"))
        page.note(
            f"{words.stamp(200, '%Y年%-m月%-d日')} 20:00 至 {words.stamp(-300, '%Y年%-m月%-d日')} 23:59",
            colour=page.theme.ink,
        )
        page.heading("二、参与方式")
        page.note(
            words.pick(
                "活动期间，用户购买参与活动的商品，满足每满300减50的门槛即可享受跨店满减，可与店铺优惠叠加使用。|"
                "用户每日登录活动页面签到，可获得元宝，累计达到门槛后可兑换红包或现金。|"
                "活动期间累计消费满额，可领取对应档位的满减红包。"
            ),
            colour=page.theme.ink,
        )
        page.heading("三、奖品说明")
        page.note("奖品数量有限，先到先得，发完即止。红包自领取之日起7日内有效，逾期作废。", colour=page.theme.ink)
        page.heading("四、其他说明")
        page.note("如发现以不正当手段参与活动的，主办方有权取消资格。最终解释以活动页面为准。", colour=page.theme.ink)
    page.foot_buttons([words.pick("我知道了|去参与")])


def money_back(page: Page, words: Words) -> None:
    """A subsidy or trade-in event with its steps."""
    festival_head(page, words, words.pick("国补专区|以旧换新|买贵必赔|新人1元购|先用后付|下单返红包"), 130)
    with page.card():
        for index, text in enumerate(
            words.some("领取补贴资格|选择参与商品|下单立减|旧机上门回收|确认收货后到账", 3, 4)
        ):
            page.heading(f"{index + 1} {text}")
    with page.card():
        page.heading(words.pick("热门爆款|大牌小样|限时秒杀"), "更多")
    page.strip(words.pick("补贴后更便宜|大额抵10%+|"), 2)
    page.tab_bar(list(HALLS), page.rng.randint(0, 3))


def planting(page: Page, words: Words) -> None:
    """A game or a card page of the festival."""
    page.gradient(0, page.height, (130, 210, 120), (240, 250, 210))
    page.title_bar(words.pick("芭芭农场|省钱消消消|天天开宝箱"), right=["规则"])
    page.oval(WIDTH / 2, 280, 90, (90, 170, 80))
    page.centred(270, words.pick("领肥料|再施肥2次可领|集能量"), 18, WHITE, bold=True)
    page.y = 400
    with page.card():
        for name in words.some(
            "每日签到 已领取|浏览会场 去完成|下单得肥料 去逛逛|邀好友 去邀请|连续7天奖励 提醒我", 3, 5
        ):
            page.pair(name.split()[0], name.split()[1])
    page.buttons(["攻略", "抽奖", "兑换奖励"])


def event_poster(page: Page, words: Words) -> None:
    """An event told by one long poster: name, dates, ways to play, gifts."""
    tone = vivid(page.rng)
    page.gradient(0, page.height, tone, WHITE)
    page.photo = words.chance(0.3)
    page.y = 30
    page.centre(words.say("events"), 34, WHITE, bold=True)
    page.centre(
        f"{words.stamp(90, '%m.%d')} - {words.stamp(-90, '%m.%d')} {words.pick('限时开启|全场狂欢|错过等一年')}",
        14,
        WHITE,
    )
    for index in range(page.rng.randint(2, 4)):
        with page.card():
            page.heading(words.pick("福利|玩法|惊喜") + "一二三四"[index] + "  " + words.say("gifts"), colour=tone)
            page.note(
                words.pick(
                    "活动期间每个账号限参与一次|数量有限，先到先得|下单满额自动参与，无需报名|"
                    "奖品将在活动结束后7个工作日内寄出"
                )
            )
    page.centre(words.pick("活动最终解释权归本店所有|点击立即参与|详情咨询客服"), 13)


def subsidy_hall(page: Page, words: Words) -> None:
    """State subsidy, trade-in, trial: qualification and steps."""
    page.gradient(0, 220, (220, 40, 40), (255, 190, 120))
    page.title_bar(words.pick("政府补贴|国家补贴|以旧换新|U先试用|0元试用|新人专区"))
    page.centre(words.pick("至高补贴20%|家电换新立减|领资格享补贴|申请免费试用"), 28, WHITE, bold=True)
    with page.card():
        page.pair("当前地区", words.city() + ">")
        page.steps_bar(["领取资格", "选购商品", "立减下单", "签收核验"], page.rng.randint(0, 2))
        page.button(
            page.left + 40,
            page.y,
            page.right - page.left - 80,
            words.pick("查看我的资格|实名领取资格|立即申请|名额已满"),
        )
        page.y += 40
    page.tabs(["手机数码", "大家电", "厨卫", "家装", "规则"])
    page.strip("", 1)


def lottery(page: Page, words: Words) -> None:
    """A wheel or a grid of prizes with chances left, tasks, winners."""
    page.fill(0, 0, WIDTH, page.height, page.rng.choice(((240, 70, 60), (250, 150, 40), (120, 70, 220))))
    page.status_bar(colour=(200, 50, 50), ink=WHITE)
    page.centre(words.pick("幸运大转盘|九宫格抽奖|会员抽奖|砸金蛋|下单抽免单|助力赢好礼"), 28, WHITE, bold=True)
    prizes = ["谢谢参与", "5元红包", "免单一次", "小样礼盒", "100积分", "优惠券", "手机", "再来一次", "开始抽奖"]
    for index, name in enumerate(page.rng.sample(prizes, 9)):
        x, y = 40 + 96 * (index % 3), page.y + 12 + 84 * (index // 3)
        page.fill(x, y, x + 88, y + 76, (255, 244, 220), 8)
        page.text(x + 44, y + 30, name, 13, (170, 60, 30), align="c")
    page.y += 276
    page.centre(f"今日剩余{page.rng.randint(0, 5)}次机会  {words.pick('活动规则|我的奖品')}", 14, WHITE)
    with page.card():
        page.heading(words.pick("做任务赚机会|中奖名单"))
        for _ in range(3):
            page.pair(
                words.pick("浏览店铺15秒", "关注店铺", "邀请1位好友", words.say("nicknames") + " 抽中"),
                words.pick("去完成|已完成|5元红包"),
            )


def shop_promotion(page: Page, words: Words) -> None:
    """A shop's promotion: money off by steps, gifts at payment, how to join."""
    page.title_bar(words.pick("促销活动|满减活动|赠品详情|活动说明|优惠活动"))
    with page.card():
        page.heading(
            words.say("events") + words.pick("满赠|满减|限时折扣"),
            words.pick("进行中|即将开始"),
            colour=page.theme.accent,
        )
        page.note(
            words.pick(
                "满199减20，满399减50，上不封顶|第二件半价，以最低价计算|前1小时付尾款送赠品|每满300减50，可跨店凑单"
            ),
            colour=page.theme.ink,
        )
        page.pair("活动时间", words.stamp(50, "%m-%d") + "至" + words.stamp(-99, "%m-%d"))
        page.pair("赠品", words.say("gifts"))
    page.tiles(3, labels=[words.pick("赠完即止|赠品|加1元换购")])
    page.choices(["活动范围：指定商品", "不与其他优惠叠加", "退货需退回赠品"], mark="·")
    page.foot_buttons(["去凑单", "我知道了"])
