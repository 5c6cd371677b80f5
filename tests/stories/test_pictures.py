"""The README's pictures can be made anew from the real page, and those that are checked in are still of that shape."""

import struct
from pathlib import Path

import pytest

from tests.pictures.__main__ import readme
from tests.stories.browser import needs_chromium

pytestmark = [pytest.mark.stories, needs_chromium]

CHECKED_IN = Path(__file__).parents[2] / "docs" / "pictures"
SMALL = 300_000
"""Bytes that a README may ask of a phone for one picture."""
GROWN = 0.25
"""By how much a card may grow or shrink, with other fonts too, before its picture shows something else."""


def size(picture: Path) -> tuple[int, int]:
    """Width and height, as a PNG's first chunk says (RFC 2083, 11.2.1)."""
    width, height = struct.unpack(">4xII", picture.read_bytes()[12:24])
    return width, height


def pictures(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted(folder.iterdir())}


async def test_the_pictures_of_the_readme_can_be_made_and_look_like_those_that_are_checked_in(tmp_path: Path) -> None:
    count = await readme(tmp_path)
    made, known = pictures(tmp_path), pictures(CHECKED_IN)
    assert [*made] == [*known]
    assert len(made) == count
    for name, picture in made.items():
        (width, height), (known_width, known_height) = size(picture), size(known[name])
        assert width == known_width
        assert height == pytest.approx(known_height, rel=GROWN)
        assert picture.stat().st_size < SMALL
