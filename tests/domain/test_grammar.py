"""What people type becomes one typed request, or an error that points at the word."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.grammar import ParseError, parse
from bot.request import Help, MoveRequest, MoveType, Pins, Request


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("web-01 worker-05", MoveRequest(vm="web-01", target="worker-05")),
        ("web-01 to worker-05", MoveRequest(vm="web-01", target="worker-05")),
        ("  web-01   TO  worker-05 ", MoveRequest(vm="web-01", target="worker-05")),
        ("Web-01 Worker-05", MoveRequest(vm="web-01", target="worker-05")),
        ("production/web-01 worker-05", MoveRequest(vm="web-01", namespace="production", target="worker-05")),
        ("web-01 worker-05 -n vms", MoveRequest(vm="web-01", namespace="vms", target="worker-05")),
        ("-n vms web-01 worker-05", MoveRequest(vm="web-01", namespace="vms", target="worker-05")),
        ("web-01 --namespace vms worker-05", MoveRequest(vm="web-01", namespace="vms", target="worker-05")),
        ("web-01 worker-05 --namespace=vms", MoveRequest(vm="web-01", namespace="vms", target="worker-05")),
        ("vms/web-01 worker-05 -n vms", MoveRequest(vm="web-01", namespace="vms", target="worker-05")),
        ("web-01 worker-05 --live", MoveRequest(vm="web-01", target="worker-05", type=MoveType.LIVE)),
        ("web-01 worker-05 —live", MoveRequest(vm="web-01", target="worker-05", type=MoveType.LIVE)),
        ("--cold web-01 worker-05", MoveRequest(vm="web-01", target="worker-05", type=MoveType.COLD)),
        (
            "web-01 worker-05 --cold --replace-rules",
            MoveRequest(vm="web-01", target="worker-05", type=MoveType.COLD, replace_rules=True),
        ),
        ("web-01 --Replace-Rules", MoveRequest(vm="web-01", type=MoveType.COLD, replace_rules=True)),
        ("web–01 worker‑05", MoveRequest(vm="web-01", target="worker-05")),
        ("web-01", MoveRequest(vm="web-01")),
        ("to worker-05", MoveRequest(vm="to", target="worker-05")),
        ("web-01 node.example.com", MoveRequest(vm="web-01", target="node.example.com")),
        ("", Help()),
        ("   ", Help()),
        ("help", Help()),
        ("HELP", Help()),
        ("--help", Help()),
        ("pins", Pins()),
        ("Pins", Pins()),
        ("pins worker-05", MoveRequest(vm="pins", target="worker-05")),
    ],
)
def test_a_text_is_read(text: str, wanted: Request) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("web-01 worker-05 --fast", "unknown-flag", "▸--fast◂"),
        ("web-01 worker-05 --live=yes", "unknown-flag", "▸--live=yes◂"),
        ("web-01 worker-05 now please", "too-many-words", "▸now◂"),
        ("web-01 worker-05 --live --cold", "both-types", "▸--cold◂"),
        ("web-01 worker-05 --live --replace-rules", "both-types", "▸--replace-rules◂"),
        ("web-01 worker-05 --replace-rules --live", "both-types", "▸--live◂"),
        ("web-01 worker-05 --replace-rules=all", "unknown-flag", "▸--replace-rules=all◂"),
        ("web-01 worker-05 -n", "missing-value", "▸-n◂"),
        ("web-01 worker-05 --namespace=", "missing-value", "▸--namespace=◂"),
        ("vms/web-01 worker-05 -n dev", "two-namespaces", "▸vms/web-01◂"),
        ("web_01 worker-05", "bad-name", "▸web_01◂"),
        ("<!channel> worker-05", "bad-name", "▸<!channel>◂"),
        ("web-01 <@U0X>", "bad-name", "▸<@U0X>◂"),
        ("/web-01 worker-05", "bad-name", "▸◂/web-01"),
        ("vms/ worker-05", "bad-name", "vms/▸◂"),
        ("web-01 worker-05-", "bad-name", "▸worker-05-◂"),
        ("--live", "no-vm", "--live"),
        ("a" * 254 + " worker-05", "bad-name", "▸aaa"),
        ("x" * 40_000, "too-long", "500"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, code: str, marked: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse(text)
    assert refused.value.code == code
    assert marked in refused.value.what
    assert refused.value.remedy


@given(st.text(max_size=600))
@example("—")
@example("-n -n")
@example("\x00 \u202e")
def test_any_text_is_a_request_or_a_refusal(text: str) -> None:
    with contextlib.suppress(ParseError):
        assert isinstance(parse(text), Request)


names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)


ways = st.sampled_from([(None, False), (MoveType.LIVE, False), (MoveType.COLD, False), (MoveType.COLD, True)])


@given(names, st.none() | names, st.none() | names.filter(lambda name: name != "to"), ways)
def test_a_printed_request_reads_back_the_same(
    vm: str, namespace: str | None, target: str | None, way: tuple[MoveType | None, bool]
) -> None:
    type_, replace_rules = way
    request = MoveRequest(vm=vm, namespace=namespace, target=target, type=type_, replace_rules=replace_rules)
    if request in (MoveRequest(vm="help"), MoveRequest(vm="pins")):
        return  # alone these are commands; a VM of that name needs its namespace
    assert parse(str(request)) == request
