"""A toy task with three labels, of which two share a word, and 60 samples of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kdsl.evidence.types import Evidence
from kdsl.tasks import Label, Task

CART = "购物车"
REFUND = "退款"
COUPON = "领券"

TELLING = {
    CART: (("结算", "全选"), ("结算", "合计"), ("全选", "合计")),
    REFUND: (("退款金额", "原路退回"), ("退款进度",), ("退款金额",)),
    COUPON: (("立即领取", "满减"), ("立即领取",), ("去领取", "满减")),
}
NOISE = ("晚上好", "商品", "推荐", "店铺", "首页", "消息", "客服", "分享", "搜索", "更多")


@pytest.fixture(scope="session")
def toy() -> Task:
    names = (CART, REFUND, COUPON)
    labels = tuple(Label(name=name, zh=f"{name}的页面", en=f"a page of kind {i}") for i, name in enumerate(names))
    return Task(name="toy", input="picture", prompt="这是什么页面？", labels=labels)


@pytest.fixture(scope="session")
def shop(make_evidence: Callable[..., Evidence]) -> list[Evidence]:
    """20 samples per label: telling lines among noise; in each label two samples say nothing telling."""
    rng = np.random.default_rng(3)
    samples = []
    for label, guises in TELLING.items():
        for number in range(20):
            telling = guises[number % 3] if number >= 2 else ()
            lines = [*rng.choice(NOISE, 6 - len(telling), replace=False), *telling]
            samples.append(
                make_evidence(f"{label}-{number}", label, tuple(str(x) for x in rng.permutation(lines)), task="toy")
            )
    return samples
