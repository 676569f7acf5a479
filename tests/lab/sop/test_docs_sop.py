"""The SOP that the how-to builds up piece by piece passes the check, and its example of a message is a true one."""

from __future__ import annotations

import re

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_sop
from tests.support.sop_files import ROOT

PAGE = (ROOT / "docs" / "how-to" / "write_an_sop.md").read_text(encoding="utf-8")
TEXT = "\n".join(re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))


def test_the_pieces_make_a_procedure():
    found, findings = check_sop(TEXT, "my_sop.yaml", CAPABILITIES)
    assert [item.text() for item in findings] == []
    assert found is not None
    assert [step.path for step in found.steps] == ["tare", "dose", "weigh"]


def test_the_message_that_is_shown_looks_like_a_real_one():
    broken = TEXT.replace("maximum: 8 mL", "maximum: 8 g")
    (finding,) = check_sop(broken, "my_sop.yaml", CAPABILITIES)[1]
    assert finding.code == "dimension"
    assert re.match(r"my_sop\.yaml:\d+:14: error dimension: .*a mass", finding.text())
