"""What pods that want each other near or far are said to mean is what the simulated scheduler makes of it.

Any few pods, any terms: a sure answer is the scheduler's, and only labels of namespaces leave one open.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.cluster.clock import VirtualClock
from bot.sandbox.cluster.resources import NAMESPACE, NODE, POD
from bot.sandbox.cluster.scheduler import Attempt, existing_anti_affinity, pod_affinity, pod_anti_affinity
from bot.sandbox.cluster.store import Store
from k8s import parse
from k8s.client.survey import made
from k8s.neighbours import Newcomer, asks_about_all_pods, surroundings
from k8s.placement import REQUIRED
from k8s.snapshots import Json, Placement

SPACES = {"blue": "web", "red": "db"}
"""Namespaces, each with a tier."""
NODES = {"n1": {"zone": "a"}, "n2": {"zone": "a"}, "n3": {"zone": "b"}, "n4": {}}
HOST = "kubernetes.io/hostname"


def term(app: str = "x", key: str = HOST, **more: object) -> Json:
    return {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}, **more}


def affinity(near: list[Json], apart: list[Json]) -> Json:
    return {"podAffinity": {REQUIRED: near}, "podAntiAffinity": {REQUIRED: apart}}


def pod(namespace: str, node: str, labels: dict[str, str], rules: Json | None = None) -> Json:
    spec = {"affinity": rules or {}, "containers": [{}]} | ({"nodeName": node} if node else {})
    return {"metadata": {"namespace": namespace, "labels": labels}, "spec": spec, "status": {"phase": "Running"}}


def named(pods: list[Json]) -> list[Json]:
    return [{**each, "metadata": {**each["metadata"], "name": f"p{number}"}} for number, each in enumerate(pods)]


by_name = {"matchLabels": {"kubernetes.io/metadata.name": "red"}}
spaces = st.sampled_from(list(SPACES))
labels = st.sampled_from([{"app": "x"}, {"app": "y"}])
terms = st.fixed_dictionaries(
    {
        "topologyKey": st.sampled_from([HOST, "zone"]),
        "labelSelector": st.sampled_from([{"matchLabels": {"app": "x"}}, {}, None]),
    },
    optional={
        "namespaces": st.sampled_from([["blue"], ["red"]]),
        "namespaceSelector": st.sampled_from([{}, by_name, {"matchLabels": {"tier": "web"}}]),
    },
)
some = st.lists(terms, min_size=1, max_size=2)
none: st.SearchStrategy[list[Json]] = st.just([])
near, apart = st.builds(affinity, some, none), st.builds(affinity, none, some)
pods = st.builds(pod, spaces, st.sampled_from(list(NODES)), labels, st.none() | apart)


def filled(crowd: list[Json]) -> Store:
    store = Store(VirtualClock(1_795_000_000.0), seed=1)
    for name, tier in SPACES.items():
        store.create(
            NAMESPACE, {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, "tier": tier}}}
        )
    for name, more in NODES.items():
        store.create(NODE, {"metadata": {"name": name, "labels": {HOST: name, **more}}})
    for each in crowd:
        store.create(POD, each)
    return store


@settings(max_examples=200)
@given(spaces, labels, near | apart, st.lists(pods, max_size=2))
def test_a_sure_answer_is_the_schedulers(space: str, own: dict[str, str], wanted: Json, crowd: list[Json]) -> None:
    crowd = named(crowd)
    store = filled(crowd)
    attempt = Attempt(store, {**pod(space, "", own, wanted), "status": {}}, {})
    survey = made([parse.node(node) for node in attempt.nodes], tuple(parse.pod(each) for each in crowd), ())
    around = surroundings(Newcomer(space, own, Placement(affinity=wanted)), survey)
    for raw, node in zip(attempt.nodes, survey.nodes, strict=True):
        apart = bool(pod_anti_affinity(attempt, raw) or existing_anti_affinity(attempt, raw))
        attended = not pod_affinity(attempt, raw)
        assert apart or around.repelled(node) is None
        assert not apart or around.repelled(node) or around.perhaps_repelled(node)
        assert around.attended(node) in (attended, None)
        if "tier" not in str((wanted, crowd)):
            assert (around.repelled(node) is not None, around.attended(node)) == (apart, attended)


@pytest.mark.parametrize(
    ("keys", "kept_away"),
    [
        ({"matchLabelKeys": ["version"]}, False),
        ({"mismatchLabelKeys": ["version"]}, True),
        ({"matchLabelKeys": ["unknown"]}, True),
    ],
)
def test_keys_of_labels_are_completed_as_the_api_server_does(keys: Json, *, kept_away: bool) -> None:
    """The newcomer's are still open; in a pod that is there they stand in its selector already."""
    there = parse.pod(named([pod("blue", "n1", {"app": "x", "version": "1"})])[0])
    survey = made([parse.node({"metadata": {"name": "n1", "labels": {HOST: "n1"}}})], (there,), ())
    new = Newcomer("blue", {"app": "x", "version": "2"}, Placement(affinity=affinity([], [term(**keys)])))
    around = surroundings(new, survey)
    assert (around.repelled(survey.nodes[0]) is not None) is kept_away
    assert surroundings(new, survey) is around, "ranking asks for every node"


@pytest.mark.parametrize(
    ("near", "apart", "all_pods"),
    [
        ([], [], False),
        ([], [term()], False),
        ([], [term(key="zone")], True),
        ([term()], [], True),
    ],
)
def test_who_wants_a_pod_near_may_be_the_first_of_its_kind_anywhere(
    near: list[Json], apart: list[Json], *, all_pods: bool
) -> None:
    assert asks_about_all_pods(Placement(affinity=affinity(near, apart))) is all_pods
