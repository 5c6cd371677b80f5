"""The policy file: read with lines, read again on change, and never half."""

import asyncio
import os
from pathlib import Path

import pytest

from bot import policy
from bot.policyfile import BadPolicy, Rules, load
from tests.facts import NOW

GOOD = """\
rules:
  - name: four eyes
    match: {labels: {protected: "true"}}
    request: [channel]
    confirm: {who: ["@sre"], count: 2}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "policy.yaml"
    found.write_text(GOOD)
    return found


def test_a_file_is_read(path: Path) -> None:
    (rule,) = load(path).rules
    assert (rule.name, rule.match.labels, rule.confirm and rule.confirm.count) == (
        "four eyes",
        {"protected": "true"},
        2,
    )


def test_the_examples_of_the_guide_hold(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs/policy.md").read_text()
    example = tmp_path / "policy.yaml"
    example.write_text(guide.split("```yaml\n")[1].split("```")[0])
    assert [rule.name for rule in load(example).rules]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("count: 2", "count: 0"), ("policy.yaml:5:", "rules.0.confirm.count")),
        (GOOD.replace('"true"', "true"), ("policy.yaml:3:", "rules.0.match.labels.protected")),
        (GOOD.replace("request", "reqest"), ("policy.yaml:", "rules.0.reqest")),
        (GOOD.replace("[channel]", "[ravi]"), ("policy.yaml:4:", "rules.0.request.0")),
        (GOOD + "    request: ['@all']\n", ("policy.yaml:6: request: stands twice",)),
        (GOOD.replace("[channel]", "&all [channel]") + "    allow: {answer: *all}\n", ("aliases",)),
        (GOOD + GOOD.removeprefix("rules:\n"), ("two rules are named four eyes",)),
        ("rules: [", ("policy.yaml",)),
        ("", ("policy.yaml:1:",)),
        ("rules: []", ("rules",)),
        ("rules:\n  - [\n", ("policy.yaml:3:",)),
        ("rules: \x00", ("policy.yaml:1:",)),
        (GOOD.encode("utf-16").decode("latin-1"), ("policy.yaml:1:",)),
        (GOOD.replace("count: 2", "count: 2026-13-45"), ("policy.yaml:5:", "month")),
        (GOOD.replace("count: 2", f"count: {'9' * 5000}"), ("policy.yaml:5:", "digits")),
        (GOOD + "    ? [a, b]\n    : c\n", ("policy.yaml:6:", "a key must be a word")),
        (GOOD + "    ? {a: b}\n    : c\n", ("policy.yaml:6:", "a key must be a word")),
        (GOOD + f"    allow: {'[' * 5000}{']' * 5000}\n", ("policy.yaml:6:", "nested")),
        (GOOD + "    allow: " + "{a: " * 5000 + "b" + "}" * 5000, ("policy.yaml:6:", "nested")),
    ],
)
def test_what_is_wrong_is_named_with_its_place(path: Path, text: str, words: tuple[str, ...]) -> None:
    path.write_text(text)
    with pytest.raises(BadPolicy) as bad:
        load(path)
    for word in words:
        assert word in str(bad.value)


def test_a_changed_file_is_read_again_and_a_broken_one_changes_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = Rules(path)
    path.write_text(GOOD.replace("four eyes", "six eyes"))
    os.utime(path, ns=(1, 1))
    asyncio.run(rules.sweep(NOW))
    assert rules.current.rules[0].name == "six eyes"
    path.write_text("rules: [")
    asyncio.run(rules.sweep(NOW))
    assert rules.current.rules[0].name == "six eyes"
    assert "the policy file is broken" in caplog.text
    path.unlink()
    asyncio.run(rules.sweep(NOW))
    path.write_text(GOOD)
    asyncio.run(rules.sweep(NOW))
    assert rules.current.rules[0].name == "four eyes"


def test_a_file_that_is_broken_at_the_start_stops_the_bot(path: Path) -> None:
    path.unlink()
    with pytest.raises(BadPolicy):
        Rules(path)
    assert Rules().current is policy.BUILT_IN
