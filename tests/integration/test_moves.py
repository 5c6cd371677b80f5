"""A live and a cold move there and back, on any cluster: `make integration`, see docs/operations.md.

Two VMs that may be moved are all that it needs; nothing is asked of their guests. What it changes it puts back, and
the last line of each story compares the VM with what it was.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.ground import Site, site

pytestmark = [pytest.mark.stories, pytest.mark.timeout(3600)]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as ready:
        yield ready


async def test_a_live_move_goes_there_and_back_without_a_restart(here: Site) -> None:
    ref = here.named.live
    before = await here.state(ref)
    guest = await here.cluster.instance(ref)
    target = await here.target(ref)

    await here.people.say("dana", f"/vm-migrate {ref} {target}")
    card = await here.sees("[Confirm]", ref.name, target)
    await here.people.click("ravi", card, "Confirm")
    report = await here.sees("Move succeeded", target, thread=card)
    assert (await here.state(ref)).node == target
    await here.people.click("dana", report, "Delete migration")
    await here.sees("was deleted", thread=card)

    await here.people.click("dana", report, "Move back")
    back = await here.sees("[Confirm]", ref.name, before.node)
    await here.people.click("ravi", back, "Confirm")
    home = await here.sees("Move succeeded", before.node, thread=back)
    await here.people.click("dana", home, "Delete migration")
    await here.sees("was deleted", thread=back)

    assert await here.state(ref) == before
    after = await here.cluster.instance(ref)
    assert guest is not None
    assert after is not None
    assert after.uid == guest.uid, "the guest was restarted"


async def test_a_cold_move_goes_there_and_back_and_leaves_no_pin(here: Site) -> None:
    ref = here.named.cold
    before = await here.state(ref)
    target = await here.target(ref, "--cold")

    await here.people.say("dana", f"/vm-migrate {ref} {target} --cold")
    card = await here.sees("[Confirm]", ref.name, target)
    await here.people.click("ravi", card, "Confirm")
    report = await here.sees("[Remove]", target, thread=card)
    assert (await here.state(ref)).node == target
    assert (await here.state(ref)).placement != before.placement
    await here.people.click("dana", report, "Remove")
    report = await here.sees("removed", thread=card)
    assert (await here.state(ref)).placement == before.placement

    await here.people.click("dana", report, "Move back")
    back = await here.sees("[Confirm]", ref.name, before.node)
    await here.people.click("ravi", back, "Confirm")
    home = await here.sees("[Remove]", before.node, thread=back)
    await here.people.click("dana", home, "Remove")
    await here.sees("removed", thread=back)
    assert await here.state(ref) == before
