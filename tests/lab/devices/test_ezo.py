"""Golden lines, answers cut in any way, and rubbish for the codec of EZO circuits."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.devices import ezo
from lab.devices.line import TerminatedLines


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        (b"*OK", ezo.Status("OK")),
        (b"*ER", ezo.Status("ER")),
        (b"*WA", ezo.Status("WA")),
        (b"?I,EC,2.16", ezo.Query("I", ("EC", "2.16"))),
        (b"?i,pH,1.98", ezo.Query("I", ("pH", "1.98"))),
        (b"?CAL,2", ezo.Query("CAL", ("2",))),
        (b"?Cal,2", ezo.Query("CAL", ("2",))),
        (b"?Slope,99.7,100.3,-0.89", ezo.Query("SLOPE", ("99.7", "100.3", "-0.89"))),
        (b"?O,EC,TDS,S,SG", ezo.Query("O", ("EC", "TDS", "S", "SG"))),
        (b"?,O,EC,TDS,S,SG", ezo.Query("O", ("EC", "TDS", "S", "SG"))),
        (b"?STATUS,P,5.038", ezo.Query("STATUS", ("P", "5.038"))),
        (b"1413", ezo.Data((1413.0,))),
        (b"500.0,250", ezo.Data((500.0, 250.0))),
        (b"\n9.560", ezo.Data((9.56,))),
    ],
)
def test_golden_lines(line, meaning):
    assert ezo.decode(line) == meaning


def test_golden_commands():
    assert ezo.encode("C,0") == b"C,0\r"
    assert ezo.encode("Cal,mid,7.00") == b"Cal,mid,7.00\r"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"*",
        b"*NO",
        b"?",
        b"?,",
        b"?,,O",
        b"warm",
        b"1,,2",
        b"1e3",
        b"\xb5",
        b"nan",
        b"9" * 400,
    ],
)
def test_what_is_no_line_is_refused(line):
    with pytest.raises(ezo.WireError):
        ezo.decode(line)


@pytest.mark.parametrize("text", ["", "R\rR", "25 \xb0C"])
def test_what_would_not_be_one_line_is_not_sent(text):
    with pytest.raises(ezo.WireError):
        ezo.encode(text)


@pytest.mark.parametrize(
    "frames",
    [[], [ezo.Status("OK")], [ezo.Data(())], [ezo.Data((1.0, 2.0))], [ezo.Data((1.0,))] * 2],
)
def test_only_a_single_number_is_a_reading(frames):
    with pytest.raises(ezo.WireError, match="one reading"):
        ezo.single_value(frames)


def test_numbers_are_plain_decimals():
    assert ezo.numbers(("99.7", "100.3", "-0.89")) == (99.7, 100.3, -0.89)
    with pytest.raises(ezo.WireError, match="'1e3'"):
        ezo.numbers(("1.0", "1e3"))


# -- whole answers -------------------------------------------------------------------------------


def taken(*lines, lost_at_restart=False):
    """The answer, and how many of the lines it took."""
    answer = ezo.Answer(lost_at_restart)
    for count, line in enumerate(lines, 1):
        if answer.take(line):
            return answer, count
    return answer, None


def test_an_answer_ends_with_its_ok():
    answer, count = taken(b"?CAL,2", b"*OK", b"7.000")
    assert (answer.data, answer.refused, answer.fault, count) == (
        [ezo.Query("CAL", ("2",))], False, None, 2
    )  # fmt: skip


def test_a_refusal_ends_it_too():
    answer, count = taken(b"*ER", b"*OK")
    assert (answer.refused, count) == (True, 1)


def test_what_came_in_between_is_kept_apart():
    answer, count = taken(b"*OV", b"7.001", b"*UV", b"*OK")
    assert (answer.notices, answer.data, count) == (["OV", "UV"], [ezo.Data((7.001,))], 4)


def test_rubbish_is_read_over_to_the_end_of_the_answer():
    answer, count = taken(b"7.0\xff1", b"*OK")
    assert (str(answer.fault), answer.data, count) == ("not ASCII: b'7.0\\xff1'", [], 2)


def test_a_restart_ends_only_what_it_loses():
    assert taken(b"*RS", b"*RE", lost_at_restart=True)[1] == 1
    answer, count = taken(b"*RS", b"*RE", b"*OK")
    assert (answer.notices, count) == (["RS", "RE"], 3)


@given(st.binary(max_size=40))
def test_rubbish_raises_nothing_but_wire_errors(data):
    with suppress(ezo.WireError):
        ezo.single_value([ezo.decode(data)])
    ezo.Answer().take(data)


@given(st.lists(st.integers(1, 5), max_size=20))
def test_lines_are_found_however_the_bytes_are_cut(cuts):
    stream, lines, found, at = b"*RS\r*RE\r1413\r*OK\r", TerminatedLines(ezo.END), [], 0
    for size in [*cuts, len(stream)]:
        found += lines.feed(stream[at : at + size])
        at += size
    assert [ezo.decode(line) for line in found] == [
        ezo.Status("RS"), ezo.Status("RE"), ezo.Data((1413.0,)), ezo.Status("OK")
    ]  # fmt: skip
