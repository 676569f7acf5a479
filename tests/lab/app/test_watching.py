"""A check is made again when a file that it reads has changed, and only then."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lab.app.watching import check_again, stamps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Steps:
    """A clock whose every sleep lets something happen."""

    speed = 1.0

    def __init__(self, *happenings: Callable[[], object]) -> None:
        self._left = list(happenings)

    def now(self):
        raise AssertionError("nobody asks for the time")

    def monotonic(self) -> float:
        raise AssertionError("nobody asks for the time")

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        if self._left:
            self._left.pop(0)()


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "sop.yaml").write_text("a: 1\n")
    (tmp_path / "here" / "lab.yaml").write_text("a: 1\n")
    path = tmp_path / "here" / "campaign.yaml"
    path.write_text("campaign_format: 1\nsop: ../beside/sop.yaml\nlab: lab.yaml\n")
    return path


def touch(path: Path, ns: int) -> Callable[[], object]:
    return lambda: os.utime(path, ns=(ns, ns))


async def test_it_checks_once_and_again_at_each_change(campaign):
    seen: list[int] = []
    sop = campaign.parent.parent / "beside" / "sop.yaml"
    clock = Steps(lambda: None, touch(sop, 1), lambda: None, touch(campaign, 2), lambda: None)
    await check_again((campaign,), clock, lambda: seen.append(1), rounds=6)
    assert len(seen) == 3


async def test_a_file_that_goes_and_comes_is_two_changes(campaign):
    seen: list[int] = []
    lab = campaign.parent / "lab.yaml"
    clock = Steps(lab.unlink, lambda: None, lambda: lab.write_text("a: 2\n"))
    await check_again((campaign,), clock, lambda: seen.append(1), rounds=5)
    assert len(seen) == 3


def test_stamps_are_of_the_files_that_a_check_reads(campaign):
    names = {path.name for path in stamps([campaign])}
    assert names == {"campaign.yaml", "lab.yaml", "sop.yaml"}
    assert stamps([campaign.parent / "none.txt"]).keys() == {campaign, campaign.parent / "lab.yaml"}
    campaign.write_bytes(b"\xff\xfe")
    assert campaign in stamps([campaign])
