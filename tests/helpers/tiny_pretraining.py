"""Settings of a run that takes seconds: a few steps of a tiny shape on a tiny world."""

from __future__ import annotations

from kdsl.knowledge.documents import Document
from kdsl.models.nano.architecture import NanoShape
from kdsl.training.nano.pretrain import Pretraining

TINY = Pretraining(
    seed=5,
    steps=3,
    dialogues=100,
    screens=100,
    vocab_size=4500,
    batch_tokens=400,
    eval_every=2,
    eval_size=4,
    save_every=2,
    threads=1,
    workers=0,
    shape=NanoShape(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        vision_depth=1,
        vision_width=16,
        vision_heads=2,
    ),
)

SNIPPETS = (
    Document("a", "faq", "水龙头用久了会生锈吗", "主体是304不锈钢，日常不会生锈。", "intent", "是否会生锈"),
    Document("b", "page", "退款详情", "退款金额原路退回。", "scene", "退款页面"),
)
