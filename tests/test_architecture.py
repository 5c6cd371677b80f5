"""ARCHITECTURE.md is true where a test can tell."""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from bot import migration

ROOT = Path(__file__).parents[1]


def picture(table: Mapping[StrEnum, Mapping[StrEnum, StrEnum]]) -> str:
    """A table as a state diagram."""
    edges = [f"    {state.name} --> {to.name}: {event}" for state, row in table.items() for event, to in row.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *edges, "```"])


@pytest.mark.parametrize(("name", "table"), [("plan", migration.PLAN), ("move", migration.MOVE)])
def test_the_pictures_of_the_life_are_drawn_from_the_tables(
    name: str, table: Mapping[StrEnum, Mapping[StrEnum, StrEnum]]
) -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    drawn = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", page, re.DOTALL)
    assert drawn is not None
    assert drawn.group(1) == picture(table), f"put this between the marks:\n{picture(table)}"


def test_only_settings_reads_the_environment() -> None:
    readers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("bot", "handlers", "k8s")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.(environ|getenv)", path.read_text())
    ]
    assert readers == ["bot/settings.py"]


def test_every_dependency_has_its_reason() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    listed = re.search(r"dependencies = \[(.*?)\n\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL)
    assert listed is not None
    names = [re.split(r"[\[<>=]", line.strip().strip('",'))[0] for line in listed.group(1).splitlines() if line.strip()]
    assert [name for name in names if name not in page] == []


PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    paths = re.findall(r"(?<![\w/.])(?:manifests|docs|tests/stories/scripts)/[\w./-]*\w", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_that_a_page_names_is_there(page: Path) -> None:
    named = set(re.findall(r"(?:`|^ {4,})make ([a-z]+)", page.read_text(), re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named - targets == set()


def test_the_metrics_that_the_operators_page_names_are_those_that_are_counted() -> None:
    source = (ROOT / "bot" / "metrics.py").read_text()
    counted = set(re.findall(r'"(vm_migrate_(?!bot)\w+)"', source))
    named = {
        name.removesuffix("_total")
        for name in re.findall(r"`(vm_migrate_\w+)", (ROOT / "docs/operations.md").read_text())
    }
    assert named == counted
