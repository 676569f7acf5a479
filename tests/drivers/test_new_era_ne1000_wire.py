"""The pump's codec: bytes from the manual, round trips, and what noise does to it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.new_era_ne1000.wire import (
    RATE_FACTOR_ML_MIN,
    Corrupt,
    Reply,
    ReplyDecoder,
    Request,
    RequestDecoder,
    encode_reply,
    encode_request,
    format_number,
    format_rate,
    format_reported,
    parse_number,
    parse_rate,
    parse_reply,
    parse_totals,
    rate_limits_ml_min,
    rates_within,
    volume_unit,
)

commands = st.from_regex(r"[A-Z]{3}[0-9.]{0,5}[A-Z]{0,3}", fullmatch=True)
requests = st.builds(Request, st.integers(0, 99), commands, st.booleans())
data = st.from_regex(r"[A-Z0-9.?]{0,20}", fullmatch=True)
replies = st.one_of(
    st.builds(
        Reply, st.integers(0, 99), st.sampled_from("IWSPTUX"), st.just(""), data, st.booleans()
    ),
    st.builds(
        Reply, st.integers(0, 99), st.just(""), st.sampled_from("RSTEO"), st.just(""), st.booleans()
    ),
)


def crc16_xmodem(message):
    """Bit by bit, after its definition: polynomial 0x1021, start 0; 0x31C3 for "123456789"."""
    crc = 0
    for byte in message:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def test_the_reference_checksum_gives_its_check_value():
    assert crc16_xmodem(b"123456789") == 0x31C3


def cut(stream, sizes):
    """The bytes in pieces of the given sizes, then the rest."""
    for size in sizes:
        yield stream[:size]
        stream = stream[size:]
    yield stream


def test_a_basic_command_is_address_command_and_carriage_return():
    assert encode_request(Request(0, "DIA26.59")) == b"0DIA26.59\r"
    assert encode_request(Request(7, "RUN1")) == b"7RUN1\r"


def test_a_safe_packet_carries_its_length_and_a_crc16_xmodem():
    packet = encode_request(Request(0, "SAF0", safe=True))
    assert packet == b"\x02\x090SAF0\x59\xad\x03"
    assert int.from_bytes(packet[-3:-1], "big") == crc16_xmodem(b"0SAF0")
    assert packet[1] == len(packet) - 1


def test_a_reply_has_two_digits_of_address_a_status_and_data():
    assert encode_reply(Reply(0, "S", "", "NE1000V3.923")) == b"\x0200SNE1000V3.923\x03"
    assert encode_reply(Reply(5, alarm="R")) == b"\x0205A?R\x03"
    [reply] = ReplyDecoder().feed(b"\x0200II0.500W0.000ML\x03")
    assert (reply.address, reply.prompt, reply.data) == (0, "I", "I0.500W0.000ML")
    assert reply.running


def test_an_alarm_has_no_prompt_and_an_error_has_a_code():
    reply = parse_reply("00A?S")
    assert (reply.prompt, reply.alarm, reply.error) == ("", "S", None)
    assert parse_reply("00S?OOR").error == "OOR"
    assert parse_reply("00S?").error == ""
    assert not parse_reply("00P").running


@pytest.mark.parametrize("payload", ["", "0S", "00Q", "xxS", "00A?", "00A"])
def test_what_is_no_reply_is_refused(payload):
    with pytest.raises(ValueError, match="not a reply"):
        parse_reply(payload)


@pytest.mark.parametrize("address", [-1, 100])
def test_an_address_outside_of_the_network_is_refused(address):
    with pytest.raises(ValueError, match=r"0\.\.99"):
        encode_request(Request(address, "VER"))


def test_blanks_and_case_of_a_command_do_not_matter():
    [request] = RequestDecoder().feed(b" 3 rat 1.5 mm \r")
    assert request == Request(3, "RAT1.5MM")


def test_a_command_without_address_is_for_pump_0_and_a_bare_return_asks_for_the_status():
    assert RequestDecoder().feed(b"VER\r\r12\r") == [
        Request(0, "VER"),
        Request(0, ""),
        Request(12, ""),
    ]


@given(requests, st.lists(st.integers(0, 9), max_size=5))
def test_a_request_survives_the_wire_however_it_is_cut(request, sizes):
    decoder = RequestDecoder()
    found = [
        packet for piece in cut(encode_request(request), sizes) for packet in decoder.feed(piece)
    ]
    assert found == [request]


@given(replies, st.lists(st.integers(0, 9), max_size=5))
def test_a_reply_survives_the_wire_however_it_is_cut(reply, sizes):
    decoder = ReplyDecoder()
    found = [packet for piece in cut(encode_reply(reply), sizes) for packet in decoder.feed(piece)]
    assert found == [reply]


@given(st.binary(max_size=200), replies)
def test_after_noise_the_next_but_one_reply_is_found_at_the_latest(noise, reply):
    decoder = ReplyDecoder()
    decoder.feed(noise)
    later = [packet for _ in range(30) for packet in decoder.feed(encode_reply(reply))]
    assert later[-1] == reply
    assert len(later) >= 10  # what a stray STX swallows is bounded by the longest packet


@given(st.binary(max_size=200), requests)
def test_after_noise_the_pump_hears_again(noise, request):
    decoder = RequestDecoder()
    decoder.feed(noise)
    later = [packet for _ in range(40) for packet in decoder.feed(encode_request(request))]
    assert later[-1] == request


@given(st.binary(max_size=400))
def test_no_bytes_make_a_decoder_fail(noise):
    for packet in ReplyDecoder().feed(noise):
        assert packet.prompt or packet.alarm
    RequestDecoder().feed(noise)


@given(requests, st.integers(1, 255), st.data())
def test_a_hurt_safe_packet_is_never_taken_for_a_command(request, flip, draw):
    packet = bytearray(encode_request(Request(request.address, request.text, safe=True)))
    place = draw.draw(st.integers(2, len(packet) - 2))
    packet[place] ^= flip
    found = RequestDecoder().feed(bytes(packet))
    assert not [p for p in found if isinstance(p, Request) and p.safe]


def test_a_wrong_checksum_is_reported_and_the_packet_is_spent():
    packet = bytearray(encode_request(Request(0, "RUN1", safe=True)))
    packet[-2] ^= 1
    decoder = RequestDecoder()
    [corrupt] = decoder.feed(bytes(packet))
    assert isinstance(corrupt, Corrupt)
    assert decoder.feed(b"0VER\r") == [Request(0, "VER")]


def test_a_broken_off_command_does_not_hurt_the_next_safe_packet():
    whole = encode_request(Request(0, "STP", safe=True))
    assert RequestDecoder().feed(b"0RU" + whole) == [Request(0, "STP", safe=True)]


def test_a_decoder_that_is_reset_forgets_half_a_packet():
    ear = RequestDecoder()
    ear.feed(b"0RU")
    ear.reset()
    assert ear.feed(b"N1\r") == [Request(0, "N1")]
    reply_ear = ReplyDecoder()
    reply_ear.feed(b"\x0200S")
    reply_ear.reset()
    assert reply_ear.feed(b"\x03") == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.000"),
        (0.001, "0.001"),
        (4.0, "4.000"),
        (9.9996, "10.00"),
        (26.7, "26.70"),
        (1234.4, "1234"),
        (9999.0, "9999"),
    ],
)
def test_a_number_has_at_most_four_digits_and_three_decimals(value, text):
    assert format_number(value) == text
    assert parse_number(text) == pytest.approx(value, rel=5e-4)


@given(st.floats(0.001, 9999.0))
def test_what_the_pump_reports_has_a_point_and_can_be_read(value):
    text = format_reported(value)
    assert text.count(".") == 1
    assert parse_number(text) == parse_number(format_number(value))


@pytest.mark.parametrize("value", [-0.001, 0.0004, 9999.6, float("nan"), float("inf")])
def test_a_number_that_the_pump_can_not_take_is_refused(value):
    with pytest.raises(ValueError, match="pump"):
        format_number(value)


@pytest.mark.parametrize("text", ["", ".", "12345", "1.2345", "-1", "1e3", "1.2.3", "1,5"])
def test_a_text_that_is_no_number_of_the_pump_is_refused(text):
    with pytest.raises(ValueError, match="takes no number"):
        parse_number(text)


@given(st.floats(0.001, 9999.0))
def test_every_number_comes_back_within_its_last_digit(value):
    text = format_number(value)
    decimals = len(text.partition(".")[2])
    assert abs(parse_number(text) - value) <= 0.5 * 10.0**-decimals + 1e-12


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (20.0, "20.00MM"),
        (0.5, "0.500MM"),
        (0.0005, "0.500UM"),
        (0.00001, "0.010UM"),
        (28.5, "28.50MM"),
    ],
)
def test_a_rate_is_told_in_the_unit_that_keeps_it(rate, text):
    assert format_rate(rate) == text


def test_rates_that_can_not_be_told_or_read_are_refused():
    with pytest.raises(ValueError, match="can't be told"):
        format_rate(20_000.0)
    assert parse_rate("1.5UH") == (1.5, "UH")
    assert parse_rate("1.5", "MM") == (1.5, "MM")
    for text in ("1.5", "MM", "1.5XX", ""):
        with pytest.raises(ValueError, match="rate"):
            parse_rate(text)


def test_totals_come_in_ml_whatever_the_unit_with_the_pump_s_resolution():
    totals = parse_totals("I0.500W12.50ML")
    assert (totals.infused_ml, totals.withdrawn_ml) == (0.5, 12.5)
    assert totals.resolution_ml == pytest.approx(0.01)
    assert parse_totals("I500.0W0.000UL").infused_ml == pytest.approx(0.5)
    assert parse_totals("I2500.W0.000UL").resolution_ml == pytest.approx(0.001)
    with pytest.raises(ValueError, match="DIS"):
        parse_totals("I0.500ML")


def test_limits_follow_the_syringe_s_area():
    lowest, highest = rate_limits_ml_min(26.7)
    assert highest == pytest.approx(28.56, abs=0.01)
    assert lowest == pytest.approx(3.92e-4, rel=0.01)
    assert rate_limits_ml_min(13.35)[1] == pytest.approx(highest / 4.0)


@settings(deadline=None)
@given(st.floats(0.2, 50.0), st.floats(0.0, 1.0))
def test_every_rate_within_is_told_as_a_rate_that_the_pump_takes(diameter, share):
    lowest, highest = rate_limits_ml_min(diameter)
    slowest, fastest = rates_within(lowest, highest)
    assert lowest <= slowest < fastest <= highest
    # no more is given away than the pump's four digits ask for
    assert slowest <= 1.002 * lowest + 0.001 * min(RATE_FACTOR_ML_MIN.values())
    assert fastest >= 0.999 * highest
    for rate in (slowest, fastest, slowest + share * (fastest - slowest)):
        number, unit = parse_rate(format_rate(rate))
        told = number * RATE_FACTOR_ML_MIN[unit]
        assert lowest * (1 - 1e-12) <= told <= highest * (1 + 1e-12)


def test_small_syringes_count_in_microlitres():
    assert volume_unit(14.0) == "UL"
    assert volume_unit(14.01) == "ML"
