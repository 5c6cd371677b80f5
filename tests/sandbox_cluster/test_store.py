"""Properties of the store: no lost update, and watches that see every change once and in order."""

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.sandbox.cluster.clock import VirtualClock
from bot.sandbox.cluster.errors import ApiError
from bot.sandbox.cluster.lists import Form
from bot.sandbox.cluster.patch import json_patch, merge_patch
from bot.sandbox.cluster.paths import Route
from bot.sandbox.cluster.resources import VM
from bot.sandbox.cluster.store import Change, Store
from bot.sandbox.cluster.watch import Watch

Json = dict[str, Any]
NAMES = ("a", "b", "c")
ROUTE = Route(VM, "v1", "vms")


def new_store() -> Store:
    return Store(VirtualClock(1_795_000_000.0), seed=1)


def vm(name: str, **labels: str) -> Json:
    return {"metadata": {"name": name, "namespace": "vms", "labels": labels}, "spec": {"count": 0}}


def code_of(write: Callable[[], object]) -> int:
    """The HTTP code with which a write is refused, 0 when it is not."""
    try:
        write()
    except ApiError as error:
        return error.code
    return 0


class Writers(RuleBasedStateMachine):
    """Writers that read, wait, and write by the version they read, in any interleaving."""

    @initialize()
    def begin(self) -> None:
        self.store = new_store()
        self.log: list[Change] = []
        self.store.subscribe(self.log.append)
        self.held: dict[int, Json] = {}
        self.accepted: dict[str, int] = defaultdict(int)

    @rule(name=st.sampled_from(NAMES))
    def create(self, name: str) -> None:
        code = code_of(lambda: self.store.create(VM, vm(name)))
        assert code in {0, 409}
        if not code:
            self.accepted[name] = 0

    @rule(writer=st.integers(0, 3), name=st.sampled_from(NAMES))
    def read(self, writer: int, name: str) -> None:
        found = self.store.get(VM, "vms", name)
        if found:
            self.held[writer] = found

    @rule(writer=st.integers(0, 3))
    def write_what_was_read(self, writer: int) -> None:
        obj = self.held.pop(writer, None)
        if obj is None:
            return
        name = obj["metadata"]["name"]
        obj["spec"]["count"] += 1
        code = code_of(lambda: self.store.update(VM, obj))
        assert code in {0, 404, 409}
        if not code:
            self.accepted[name] += 1

    @rule(name=st.sampled_from(NAMES), hold=st.booleans())
    def delete(self, name: str, hold: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        obj = self.store.get(VM, "vms", name)
        if obj is None:
            return
        if hold:
            obj["metadata"]["finalizers"] = ["test/hold"]
            self.store.update(VM, obj)
        self.store.delete(VM, "vms", name)

    @rule(name=st.sampled_from(NAMES))
    def release(self, name: str) -> None:
        self.store.modify(VM, "vms", name, lambda obj: obj["metadata"].pop("finalizers", None))

    @invariant()
    def no_update_is_lost(self) -> None:
        for obj in self.store.scan(VM):
            assert obj["spec"]["count"] == self.accepted[obj["metadata"]["name"]]

    @invariant()
    def versions_only_grow(self) -> None:
        versions = [change.version for change in self.log]
        assert versions == sorted(set(versions))

    @invariant()
    def the_log_replays_to_the_present(self) -> None:
        state: dict[str, Json] = {}
        for change in self.log:
            name = change.obj["metadata"]["name"]
            assert (name in state) == (change.type != "ADDED")
            if change.type == "DELETED":
                del state[name]
            else:
                state[name] = change.obj
        assert state == {o["metadata"]["name"]: o for o in self.store.scan(VM)}


TestWriters = Writers.TestCase
TestWriters.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

Step = tuple[str, str, str]
steps = st.lists(
    st.tuples(st.sampled_from(("create", "label", "delete")), st.sampled_from(NAMES), st.sampled_from(("x", "y"))),
    max_size=30,
)


def apply(store: Store, step: Step) -> None:
    action, name, label = step
    writes: dict[str, Callable[[], object]] = {
        "create": lambda: store.create(VM, vm(name, app=label)),
        "label": lambda: store.modify(VM, "vms", name, lambda obj: obj["metadata"].update(labels={"app": label})),
        "delete": lambda: store.delete(VM, "vms", name),
    }
    assert code_of(writes[action]) in {0, 404, 409}


def drain(watch: Watch) -> list[Json]:
    found = []
    while not watch._queue.empty():
        event = watch._queue.get_nowait()
        assert event is not None
        found.append(event)
    return found


@given(before=steps, between=steps, after=steps, selector=st.sampled_from(("", "app=x")))
@settings(max_examples=80, deadline=None)
def test_a_resumed_watch_sees_every_change_once_and_in_order(
    before: list[Step], between: list[Step], after: list[Step], selector: str
) -> None:
    """List, miss some changes, resume by version, follow: the events rebuild what the selector shows at the end."""
    store = new_store()
    for step in before:
        apply(store, step)
    query = {"labelSelector": selector, "resourceVersion": str(store.version)}
    watch = Watch(store, ROUTE, query, Form("", query))
    state = {o["metadata"]["name"]: o for o in store.scan(VM) if watch._matches(o)}
    for step in between:
        apply(store, step)
    first = watch.begin()
    store.subscribe(watch._on_change)
    for step in after:
        apply(store, step)
    versions = []
    for event in [*first, *drain(watch)]:
        obj = json.loads(json.dumps(event["object"]))
        name = obj["metadata"]["name"]
        versions.append(int(obj["metadata"]["resourceVersion"]))
        assert (name in state) == (event["type"] != "ADDED")
        if event["type"] == "DELETED":
            del state[name]
        else:
            state[name] = obj
    assert versions == sorted(set(versions))
    assert state == {o["metadata"]["name"]: o for o in store.scan(VM) if watch._matches(o)}


def test_a_forgotten_version_is_gone_for_good() -> None:
    store = new_store()
    store.create(VM, vm("a"))
    version = store.version
    store.compact()
    with pytest.raises(ApiError) as refused:
        store.changes_since(VM, version - 1)
    assert refused.value.code == 410
    assert store.changes_since(VM, version) == []


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abc"), documents, max_size=3)


def difference(old: Json, new: Json) -> Json:
    """The merge patch that leads from one object to the other."""
    patch: Json = dict.fromkeys(old.keys() - new.keys())
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            patch[key] = difference(old[key], value)
        elif key not in old or old[key] != value:
            patch[key] = value
    return patch


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return value


@given(old=objects.map(without_nulls), new=objects.map(without_nulls))
def test_a_merge_patch_of_the_difference_leads_there(old: Json, new: Json) -> None:
    before = json.dumps(old)
    assert merge_patch(old, difference(old, new)) == new
    assert json.dumps(old) == before


@given(document=objects, key=st.sampled_from("abc"), value=documents)
def test_a_failed_json_patch_changes_nothing_and_a_good_one_reads_back(document: Json, key: str, value: Any) -> None:
    before = json.dumps(document)
    patched = json_patch(document, [{"op": "add", "path": f"/{key}", "value": value}])
    assert patched[key] == value
    with pytest.raises(ApiError) as refused:
        json_patch(document, [{"op": "test", "path": f"/{key}", "value": "other"}, {"op": "remove", "path": f"/{key}"}])
    assert refused.value.code == 422
    assert json.dumps(document) == before
