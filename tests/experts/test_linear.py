"""`LinearModel` gives scikit-learn's weights, in fewer axes too."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from kdsl.experts.linear import LinearModel
from kdsl.scores import log_softmax


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_few_samples_of_many_features_give_the_same_model(sparse: bool, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 200)) * (rng.random((40, 200)) < 0.2)
    features[7] = features[3]  # copies make the products of samples singular
    columns, weights = np.arange(40) % 5, rng.random(40) if weighted else None
    model = LinearModel.fit(csr_matrix(features) if sparse else features, columns, 3.0, weights)
    peer = LogisticRegression(C=3.0, max_iter=3000, tol=1e-6).fit(features, columns, weights)
    asked = rng.normal(size=(30, 200)) * (rng.random((30, 200)) < 0.2)
    expected = log_softmax(asked @ peer.coef_.T + peer.intercept_)
    # both searches stop a little before the best weights
    np.testing.assert_allclose(model.log_probs(asked, 5), np.maximum(expected, -9.0), atol=0.15)
    assert model.coef.shape == (5, 200)


def test_one_sample_per_label_is_no_cause_for_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LinearModel.fit(np.eye(4), np.arange(4), 3.0)
    assert model.log_probs(np.eye(4), 4).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_samples_without_any_feature_give_the_labels_frequencies() -> None:
    model = LinearModel.fit(np.zeros((4, 6)), np.array([0, 1, 1, 1]), 3.0)
    np.testing.assert_allclose(np.exp(model.log_probs(np.zeros((1, 6)), 2)), [[0.25, 0.75]], atol=0.01)
