"""The contract of the store, over every kind of segment: what is found, filtered, added, removed, rebuilt, refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.stored import DIM, EMBEDDER, POLICIES, QUERIES, brute_force, documents, passes, search, vectors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kdsl.errors import BundleError, InputError
from kdsl.knowledge.store.policy import Policy
from kdsl.knowledge.store.selection import ANY, Where
from kdsl.knowledge.store.store import Store
from kdsl.knowledge.store.verify import verify

FILTERS = (
    ANY,
    Where(task="intent"),
    Where(labelled=True),
    Where(task="scene", labelled=True, kinds=("faq", "product")),
    Where(kinds=("intention",), exclude_ids=[document.id for document in documents(300)]),
    Where(task="no such task"),
)


@pytest.fixture(params=POLICIES)
def policy(request: pytest.FixtureRequest) -> Policy:
    return POLICIES[request.param]


@pytest.fixture
def store(tmp_path: Path, policy: Policy) -> Iterator[Store]:
    """500 rebuilt documents, 100 in the log."""
    store = Store.create(tmp_path / "store", DIM, EMBEDDER, policy)
    store.add(documents(500), vectors(documents(500)))
    store.rebuild()
    store.add(documents(100, 500), vectors(documents(100, 500)))
    yield store
    store.close()


def kinds(store: Store) -> list[str]:
    return [segment["kind"] for segment in store.stats()["segments"]]


def test_a_rebuild_gives_segments_the_kind_that_the_policy_says(store: Store, policy: Policy) -> None:
    expected = next(name for name, known in POLICIES.items() if known == policy)
    assert kinds(store) == [*{"three segments": ["hnsw"] * 3}.get(expected, [expected]), "log"]


def test_all_vectors_are_given_in_the_order_of_their_documents(store: Store) -> None:
    store.remove([document.id for document in documents(600)[::7]])
    with store.view() as view:
        left, given = view.documents(view.rows()), view.vectors()
    assert len(left) == len(given) < 600
    np.testing.assert_array_equal(given, vectors(left).astype(np.float16))


@pytest.mark.parametrize("where", FILTERS)
def test_a_search_finds_what_brute_force_finds(store: Store, where: Where) -> None:
    among = [document for document in documents(600) if passes(document, where)]
    same = 0
    for query in QUERIES:
        found, expected = search(store, query, 10, where), brute_force(query, among, 10)
        assert len(found) == len(expected)  # never silently fewer
        assert {one for one, _ in found} <= {document.id for document in among}
        assert [value for _, value in found] == pytest.approx(sorted((value for _, value in found), reverse=True))
        exact = dict(brute_force(query, among, len(among)))
        assert dict(found) == pytest.approx({one: exact[one] for one, _ in found}, abs=1e-3)
        same += len({one for one, _ in found} & {one for one, _ in expected})
    assert same >= 0.95 * len(QUERIES) * min(10, len(among))


def test_more_are_asked_for_than_there_are(store: Store) -> None:
    with store.view() as view:
        rows, found = view.search(QUERIES[:2], 700)
    assert rows.shape == found.shape == (2, 700)
    assert sorted(rows[0, :600]) == list(range(600))
    assert (rows[:, 600:] == -1).all()
    assert np.isneginf(found[:, 600:]).all()


def test_what_is_removed_is_found_no_more_before_and_after_a_rebuild(store: Store) -> None:
    gone = [document.id for document in [*documents(200, 100), *documents(50, 520)]]
    assert store.remove([*gone, "unknown"]) == 250
    left = [document for document in documents(600) if document.id not in gone]
    for dropped in (250, 0):
        for query in QUERIES[:5]:
            found = search(store, query, 350, ANY)
            assert {one for one, _ in found} == {document.id for document in left}
        assert verify(store.folder) == []
        assert store.rebuild().dropped == dropped
    assert store.stats()["removed"] == 0


def test_a_document_with_a_known_id_takes_the_place_of_the_old_one(store: Store) -> None:
    changed = documents(30, 490, "geändert")
    store.add(changed, vectors(changed))
    with store.view() as view:
        known = view.known()
        assert len(known) == 600
        assert view.known([changed[0].id, "unknown"]) == {changed[0].id: changed[0].digest}
        rows, _ = view.search(vectors(changed), 1)
        assert view.documents(rows[:, 0]) == changed


def test_it_is_there_when_opened_again(store: Store, policy: Policy) -> None:
    found = [search(store, query, 7, FILTERS[1]) for query in QUERIES]
    store.remove([documents(1, 599)[0].id])
    store.close()
    again = Store.open(store.folder, EMBEDDER, policy)
    assert [search(again, query, 7, FILTERS[1]) for query in QUERIES[:5]] == found[:5]
    with again.view() as view:
        assert view.documents(view.rows(Where(task="scene"))) == [d for d in documents(599) if d.task == "scene"]
    assert again.stats()["documents"] == 599


def test_a_view_keeps_to_its_generation(store: Store) -> None:
    with store.view() as view:
        other = Store.open(store.folder, policy=store.policy)
        other.remove([document.id for document in documents(590)])
        other.rebuild()
        rows, _ = view.search(QUERIES, 600)
        assert len(view.documents(rows[0])) == 600
        generation = view.generation
    with store.view() as view:
        assert view.generation > generation
        assert (view.search(QUERIES, 600)[0] >= 0).sum(axis=1).tolist() == [10] * len(QUERIES)
    other.close()


def test_what_is_added_and_removed_during_a_rebuild_stays_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from kdsl.knowledge.store import rebuild

    write = rebuild.write_segment

    def meanwhile(*arguments: object, **more: object) -> object:
        store.add(documents(50, 600), vectors(documents(50, 600)))
        store.add(documents(10, note="neu"), vectors(documents(10)))
        store.remove([document.id for document in documents(20, 300)])
        return write(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(rebuild, "write_segment", meanwhile)
    store.rebuild()
    with store.view() as view:
        known = view.known()
    expected = [*documents(10, note="neu"), *documents(290, 10), *documents(330, 320)]
    assert known == {document.id: document.digest for document in expected}
    assert verify(store.folder) == []


def test_a_view_is_of_the_next_generation_where_files_went_before_they_were_opened(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kdsl.knowledge.store import view

    open_entry, other = view.open_entry, Store.open(store.folder, policy=store.policy)

    def too_late(*arguments: object) -> object:
        monkeypatch.setattr(view, "open_entry", open_entry)
        other.remove([documents(1)[0].id])
        other.rebuild()
        return open_entry(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(view, "open_entry", too_late)
    with Store.open(store.folder, policy=store.policy) as reader:
        assert reader.stats()["documents"] == 599
    other.close()


def test_what_a_killed_rebuild_left_is_taken_away(store: Store) -> None:
    left = store.folder / "segment-000999"
    left.mkdir()
    (left / "rows.npy").write_bytes(b"half")
    (store.folder / "log-000998").write_bytes(b"half")
    store.rebuild()
    assert not left.exists()
    assert not (store.folder / "log-000998").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_full_disk_is_told_and_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    import resource

    wide, limits = np.eye(100, 4096, dtype=np.float32), resource.getrlimit(resource.RLIMIT_FSIZE)
    with Store.create(tmp_path / "store", 4096, EMBEDDER) as store:
        store.add(documents(100), wide)
        resource.setrlimit(resource.RLIMIT_FSIZE, (wide.nbytes // 3, limits[1]))  # larger files cannot be written
        try:
            with pytest.raises(InputError, match=r"cannot be written: .* The store is as it was"):
                store.add(documents(100, 100), wide)
            with pytest.raises(InputError, match=r"was not rebuilt: .* room for a second copy"):
                store.rebuild()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert store.stats()["documents"] == 100
        assert not list(store.folder.glob("segment-*"))
        assert verify(store.folder) == []
        store.add(documents(100, 100), wide)
        assert store.rebuild().vectors == 200
        assert verify(store.folder) == []


def test_a_rebuild_without_anything_to_do_does_nothing(store: Store) -> None:
    store.rebuild()
    segments = store.stats()["segments"]
    assert store.rebuild().vectors == 600
    assert store.stats()["segments"] == segments


def test_old_files_are_taken_away(store: Store) -> None:
    store.rebuild()
    named = {segment["name"] for segment in store.stats()["segments"]}
    assert {path.name for path in store.folder.iterdir() if path.name.startswith(("log", "segment"))} == named


def test_a_rebuild_is_due_by_the_policy(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store", DIM, EMBEDDER, Policy(flat_below=20, log_rows=50))
    store.add(documents(50), vectors(documents(50)))
    assert not store.due()
    store.add(documents(1, 50), vectors(documents(1, 50)))
    assert store.due()
    assert [segment["vectors"] for segment in store.stats()["segments"]] == [50, 1]
    store.rebuild()
    assert not store.due()
    store.remove([document.id for document in documents(11)])
    assert store.due()


def test_an_empty_store_finds_nothing(tmp_path: Path, policy: Policy) -> None:
    store = Store.create(tmp_path / "store", DIM, EMBEDDER, policy)
    assert search(store, QUERIES[0], 3, ANY) == []
    store.add([], np.zeros((0, DIM)))
    store.rebuild()
    store.add(documents(30), vectors(documents(30)))
    store.rebuild()
    store.remove([document.id for document in documents(30)])
    store.rebuild()
    assert search(store, QUERIES[0], 3, ANY) == []
    assert verify(store.folder) == []


def test_a_copy_is_read_without_a_trace(store: Store, tmp_path: Path) -> None:
    store.remove([document.id for document in documents(100)])
    store.copy_to(tmp_path / "copy")
    before = sorted(tmp_path.glob("copy/**/*"))
    copy = Store.open(tmp_path / "copy", EMBEDDER, store.policy)
    assert search(copy, QUERIES[0], 9, FILTERS[1]) == search(store, QUERIES[0], 9, FILTERS[1])
    assert verify(copy.folder) == []
    assert sorted(tmp_path.glob("copy/**/*")) == before
    copy.add(documents(1, 900), vectors(documents(1, 900)))
    assert copy.stats()["documents"] == 501
    assert store.stats()["documents"] == 500
    with pytest.raises(InputError, match="choose another folder"):
        store.copy_to(tmp_path / "copy")


def test_a_temporary_store_goes_away() -> None:
    store = Store.temporary(DIM, EMBEDDER)
    store.add(documents(3), vectors(documents(3)))
    folder = store.folder
    assert search(store, vectors(documents(1))[0], 1, ANY)[0][0] == documents(1)[0].id
    store.close()
    del store
    assert not folder.exists()


def test_another_embedder_is_refused_with_the_reason(store: Store) -> None:
    with pytest.raises(BundleError, match="holds vectors of 'test 1', not of 'test 2'"):
        Store.open(store.folder, "test 2")


def test_input_that_does_not_fit_is_refused_and_changes_nothing(store: Store) -> None:
    two = documents(2, 700)
    for given_documents, given_vectors, message in (
        (two, vectors(two)[:1], "2 documents have 1 vectors"),
        (two, np.ones((2, 3)), r"shape \[2, 3\]; the store's have shape \[n, 16\]"),
        ([two[0], two[0]], vectors(two), "two documents have the id '文 700'"),
        (two, vectors(two) * np.asarray([[1], [np.nan]]), "document '文 701' has values that are not finite"),
        (two, vectors(two) * 1e6, "document '文 700' has values that are not finite in half precision"),
    ):
        with pytest.raises(InputError, match=message):
            store.add(given_documents, given_vectors)
    with pytest.raises(InputError, match="holds a store already"):
        Store.create(store.folder, DIM, EMBEDDER)
    with store.view() as view, pytest.raises(InputError, match="shape"):
        view.search(np.ones((1, 3)), 1)
    assert store.stats()["documents"] == 600


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 40), st.integers(1, 30)),
        st.tuples(st.just("remove"), st.integers(0, 40), st.integers(1, 15)),
        st.tuples(st.just("rebuild"), st.just(0), st.just(0)),
    ),
    max_size=8,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS, where=st.sampled_from(FILTERS), k=st.integers(1, 12))
def test_after_any_changes_a_search_keeps_to_the_filter(
    policy: Policy, operations: list[tuple[str, int, int]], where: Where, k: int
) -> None:
    with Store.temporary(DIM, EMBEDDER, policy) as store:
        there = {}
        for number, (what, first, n) in enumerate(operations):
            chosen = documents(n, first, str(number))
            if what == "add":
                store.add(chosen, vectors(chosen))
                there.update({document.id: document for document in chosen})
            elif what == "remove":
                store.remove([document.id for document in chosen])
                for document in chosen:
                    there.pop(document.id, None)
            else:
                store.rebuild()
        among = [document for document in there.values() if passes(document, where)]
        exact = dict(brute_force(QUERIES[0], among, len(among)))
        found = search(store, QUERIES[0], k, where)
        assert len(found) == min(k, len(among))
        assert dict(found) == pytest.approx({one: exact[one] for one, _ in found}, abs=1e-3)
        with store.view() as view:
            assert view.known() == {one: document.digest for one, document in there.items()}
        assert verify(store.folder) == []
