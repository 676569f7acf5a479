"""What goes between shell and core."""

from __future__ import annotations

import pytest

from lab.domain.command import Command
from lab.engine import messages as msg

COMMAND = Command(
    id="c1", run="r1", step="dose", attempt=1, device="pump", action="dispense", effect="once", settle="query",
    timeout_s=5.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("effect", "about"),
    [
        (msg.SendCommand(COMMAND), "c1"),
        (msg.QueryCommand("c2", "pump"), "c2"),
        (msg.CancelCommand("c3", "pump", "Ada"), "c3"),
        (msg.MakeSafe("Ada", "s1"), None),
        (msg.Rearm("pump", ("s1",)), None),
        (msg.Answered("q1", accepted=True, detail=""), None),
    ],
)
def test_which_command_an_effect_is_about(effect: msg.Effect, about: str | None) -> None:
    assert msg.command_of(effect) == about
