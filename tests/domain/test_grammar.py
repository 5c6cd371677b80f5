"""What people type becomes one typed request, or a question, or an error that points at the word."""

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import grammar
from bot.grammar import ParseError, parse
from bot.request import (
    Ambiguous,
    BatchRequest,
    BringBack,
    Help,
    History,
    Inventory,
    MoveRequest,
    MoveType,
    Pace,
    Pins,
    Reading,
    Request,
    Status,
    plain,
)
from bot.vocabulary import RESERVED
from bot.when import When
from tests.domain.utterances import MISTAKES, MOVES, OTHERS, UNCLEAR

CLEAR = {typed: meant for typed, meant in MOVES.items() if meant is not None} | OTHERS


@pytest.mark.parametrize(("typed", "meant"), CLEAR.items())
def test_a_text_is_read(typed: str, meant: str) -> None:
    assert str(parse(typed)) == meant
    assert parse(meant) == parse(typed)


def test_what_is_not_clear_is_looked_at_elsewhere() -> None:
    others = {text for text, *_ in MISTAKES} | set(UNCLEAR)
    assert {typed for typed, meant in MOVES.items() if meant is None} <= others
    assert len(CLEAR) + len(others) >= 120


@pytest.mark.parametrize(
    ("canonical", "wanted"),
    [
        ("web-01", MoveRequest(vm="web-01")),
        (
            'vms/web-01 from worker-01 to worker-05 --cold --replace-rules --reason "x y"',
            MoveRequest(
                vm="web-01", namespace="vms", source="worker-01", target="worker-05", type=MoveType.COLD,
                replace_rules=True, reason="x y",
            ),
        ),
        ('"to" to "live" --live', MoveRequest(vm="to", target="live", type=MoveType.LIVE)),
        (
            "web-01 to any --live, vms/web-02 to worker-04 --auto",
            BatchRequest(
                moves=(
                    MoveRequest(vm="web-01", type=MoveType.LIVE),
                    MoveRequest(vm="web-02", namespace="vms", target="worker-04"),
                )
            ),
        ),
        (
            '--selector "app=web" everything on worker-02 in "vms" to worker-05 --live',
            BatchRequest(
                selector="app=web", evacuate="worker-02", namespace="vms", target="worker-05", type=MoveType.LIVE
            ),
        ),
        ("help", Help()),
        ("pins", Pins()),
        ("bring-back worker-02", BringBack(node="worker-02")),
        ("status vms/web-01", Status(vm="web-01", namespace="vms")),
        ("history --last 36h", History(last=timedelta(hours=36))),
    ],
)  # fmt: skip
def test_a_canonical_text_is_this_request(canonical: str, wanted: Request) -> None:
    assert parse(canonical) == wanted
    assert str(wanted) == canonical


@pytest.mark.parametrize(("text", "meant"), UNCLEAR.items())
def test_what_may_mean_several_things_is_asked(text: str, meant: list[str]) -> None:
    asked = parse(text)
    assert isinstance(asked, Ambiguous)
    assert asked.question.endswith("?")
    assert [str(reading.request) for reading in asked.readings] == meant
    assert len({reading.label for reading in asked.readings}) == len(meant)
    for reading in asked.readings:
        assert parse(str(reading.request)) == reading.request, "a button carries the canonical text"


@pytest.mark.parametrize(("text", "code", "marked", "remedy"), MISTAKES)
def test_a_mistake_is_pointed_at(text: str, code: str, marked: str, remedy: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse(text)
    assert (refused.value.code, marked in refused.value.what) == (code, True), refused.value.what
    assert remedy in refused.value.remedy
    assert len(refused.value.what) < 400


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", Inventory()),
        ("production", Inventory(namespace="production")),
        ("-n production", Inventory(namespace="production")),
        ("in the production namespace --node worker-02", Inventory(namespace="production", node="worker-02")),
        ("--node=Worker-02", Inventory(node="worker-02")),
        ("“to”", Inventory(namespace="to")),
    ],
)
def test_an_inventory_is_asked_for(text: str, wanted: Inventory) -> None:
    assert grammar.inventory(text) == wanted


@pytest.mark.parametrize("text", ["production dev", "--node", "--live", "<!channel>", "x" * 40_000])
def test_an_inventory_of_something_else_is_a_mistake(text: str) -> None:
    with pytest.raises(ParseError):
        grammar.inventory(text)


def test_a_field_holds_one_name() -> None:
    assert grammar.vm(" Vms/Web-01 ") == ("vms", "web-01")
    assert grammar.name("To") == "to"
    for text in ("web-01 worker-05", "", "-n x", "a/b/c"):
        with pytest.raises(ParseError):
            grammar.vm(text)


WORDS = st.sampled_from(
    [*sorted(RESERVED), "web-01", "web-02", "worker-05", "vms/web-01", ",", "→", '"', "“x y”", "--live", "--cold", "-n",
     "--reason", "--selector", "--from", "--to", "--auto", "--replace-rules", "--last", "7d",
     "--at", "02:00", "--in", "30m", "--window", "22:00-02:00", "--incident", "INC-42", "10pm", "30", "minutes",
     "<!here>", "web_01", "🚀"]
)  # fmt: skip


@given(st.text(max_size=600))
@example("—")
@example("-n -n")
@example("\x00 \u202e")
@example("\ud800")
@example("--reason \\")
def test_any_text_is_a_request_a_question_or_a_refusal(text: str) -> None:
    with contextlib.suppress(ParseError):
        assert isinstance(parse(text), Request | Ambiguous)
    with contextlib.suppress(ParseError):
        assert isinstance(grammar.inventory(text), Inventory)


@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_any_words_of_ours_are_a_request_a_question_or_a_refusal(text: str) -> None:
    read: Request | Ambiguous = Help()
    with contextlib.suppress(ParseError):
        read = parse(text)
    requests = [reading.request for reading in read.readings] if isinstance(read, Ambiguous) else [read]
    for request in requests:
        assert parse(str(request)) == request


names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True) | st.sampled_from(
    sorted(word for word in RESERVED if "'" not in word)
)
ways = st.sampled_from([(None, False), (MoveType.LIVE, False), (MoveType.COLD, False), (MoveType.COLD, True)])


paces = st.none() | st.builds(
    Pace,
    side_by_side=st.integers(1, 20),
    stage=st.none() | st.integers(0, 100),
    pause_minutes=st.none() | st.integers(1, 2880).map(lambda halves: halves / 2),
)


clocks = st.times().map(lambda time: time.replace(second=0, microsecond=0, fold=0))
whens = st.none() | st.one_of(
    st.builds(When, after=st.integers(1, 99_999).map(lambda minutes: timedelta(minutes=minutes))),
    st.builds(When, clock=clocks, tomorrow=st.booleans()),
    st.builds(When, clock=clocks, day=st.dates()),
    st.tuples(clocks, clocks, st.booleans())
    .filter(lambda two: two[0] != two[1])
    .map(lambda each: When(clock=each[0], until=each[1], tomorrow=each[2])),
)
incidents = st.sampled_from(["INC-42", "2026.11_x", "a"])


def modes(draw: st.DrawFn, longest: int) -> dict[str, Any]:
    """Why and when; an incident has a reason and does not wait."""
    reason = draw(st.none() | st.text(max_size=longest))
    if reason and "".join(plain(reason).split()) and draw(st.booleans()):
        return {"reason": reason, "incident": draw(incidents)}
    return {"reason": reason, "when": draw(whens)}


@st.composite
def moves(draw: st.DrawFn, *, reason: bool = True) -> MoveRequest:
    type_, replace_rules = draw(ways)
    target = draw(st.none() | names)
    return MoveRequest(
        vm=draw(names),
        namespace=draw(st.none() | names),
        target=target,
        source=draw(st.none() | names.filter(lambda name: name != target)),
        type=type_,
        replace_rules=replace_rules,
        **(modes(draw, 400) if reason else {}),
    )


@st.composite
def batches(draw: st.DrawFn) -> BatchRequest:
    mode = modes(draw, 100)
    unique = st.lists(moves(reason=False), min_size=2, max_size=6, unique_by=lambda move: (move.namespace, move.vm))
    if draw(st.booleans()):
        return BatchRequest(moves=tuple(draw(unique)), **mode, pace=draw(paces), as_listed=draw(st.booleans()))
    type_, replace_rules = draw(ways)
    evacuate = draw(st.none() | names)
    return BatchRequest(
        evacuate=evacuate,
        selector=draw(st.sampled_from([None, "app=web", "!old", "a in (b, c),d!=e"] if evacuate else ["app=web"])),
        namespace=draw(st.none() | names),
        target=draw(st.none() | names.filter(lambda name: name != evacuate)),
        type=type_,
        replace_rules=replace_rules,
        **mode,
        pace=draw(paces),
        without=tuple(draw(st.lists(st.builds("{}/{}".format, names, names), max_size=3))),
    )


others = st.builds(Status, vm=st.none() | names, namespace=st.none() | names) | st.builds(
    History,
    vm=st.none() | names,
    namespace=st.none() | names,
    last=st.none() | st.integers(1, 99_999).map(lambda minutes: timedelta(minutes=minutes)),
)


@given(moves() | batches() | others)
@example(MoveRequest(vm="to", target="to", reason='“\\"'))
@example(Status(vm="last"))
@example(History(vm="last", last=timedelta(minutes=1)))
def test_a_printed_request_reads_back_the_same(request: Request) -> None:
    assert parse(str(request)) == request


def test_a_question_names_its_readings() -> None:
    reading = Reading(label="it goes to worker-02", request=MoveRequest(vm="web-01", target="worker-02"))
    asked = parse("web-01 on worker-02")
    assert isinstance(asked, Ambiguous)
    assert asked.readings[0] == reading
