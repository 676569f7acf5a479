"""The simulated pump, byte by byte, on a clock that is set by hand."""

from __future__ import annotations

import statistics
from random import Random

import pytest

from drivers.new_era_ne1000.wire import Corrupt, RequestDecoder, encode_safe
from lab.domain.errors import InputError
from simulators.contract import SimulatorContext
from simulators.ne1000 import NE1000Simulator
from simulators.world import World
from tests.bench.hand_clock import HandClock


class Wire:
    """A pump, its world, and what a terminal would show."""

    def __init__(self, *, alarm=False, seed=3, **settings):
        self.clock = HandClock()
        self.world = World(seed, self.clock)
        self.world.fill("stock", 500.0, 1.2, {"salt": 2.0})
        settings = {"draws": "stock", "into": "pot", "syringe_volume_ml": 50.0, **settings}
        self.pump = NE1000Simulator(
            SimulatorContext("pump", self.world, self.clock, Random(seed), settings)
        )
        if not alarm:
            self.raw(b"\r")

    def raw(self, data):
        return b"".join(self.pump.answer(packet) for packet in RequestDecoder().feed(data))

    def ask(self, command):
        reply = self.raw(f"0{command}\r".encode())
        assert reply[:3] == b"\x0200"
        assert reply[-1:] == b"\x03"
        return reply[3:-1].decode()

    def tell(self, *commands):
        for command in commands:
            assert self.ask(command)[1:] == "", command

    def wait(self, seconds):
        self.clock.seconds += seconds

    def program_dose(self, volume="4.000", rate="20.00MM"):
        self.tell("DIA26.70")
        for number, direction in ((1, "WDR"), (2, "INF")):
            self.tell(f"PHN{number}", "FUNRAT", f"RAT{rate}", f"VOL{volume}", f"DIR{direction}")
        self.tell("PHN3", "FUNSTP", "PHN1")

    @property
    def pot(self):
        self.world.advance()
        return self.world.vessel("pot")


def test_after_power_up_the_first_packet_is_answered_by_an_alarm_and_not_executed():
    wire = Wire(alarm=True)
    assert wire.raw(b"0DIA20.00\r") == b"\x0200A?R\x03"
    assert wire.raw(b"0DIA\r") == b"\x0200S26.59\x03"
    assert wire.raw(b"0DIA20.00\r") == b"\x0200S\x03"
    assert wire.raw(b"0DIA\r") == b"\x0200S20.00\x03"


def test_it_says_its_version_and_answers_to_its_address_alone():
    wire = Wire(address=7)
    wire.raw(b"7\r")
    assert wire.raw(b"7VER\r") == b"\x0207SNE1000V3.923\x03"
    assert wire.raw(b"0VER\r") == b""
    assert wire.raw(b"*ADR12\r") == b"\x0212S\x03"
    assert wire.raw(b"12ADR\r") == b"\x0212S12\x03"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("XYZ", "S?"),
        ("DIA0.05", "S?OOR"),
        ("DIA50.1", "S?OOR"),
        ("DIA26.705", "S?OOR"),
        ("RAT29.00MM", "S?OOR"),
        ("RAT0.300UM", "S?OOR"),
        ("RATxMM", "S?OOR"),
        ("VOL12345", "S?OOR"),
        ("DIRUP", "S?"),
        ("FUNXXX", "S?"),
        ("PHN0", "S?OOR"),
        ("PHN42", "S?OOR"),
        ("RUN42", "S?OOR"),
        ("STP", "S?NA"),
        ("CLD", "S?"),
        ("SAF256", "S?OOR"),
        ("ADR100", "S?OOR"),
        ("VERX", "S?"),
        ("DISX", "S?"),
        ("PURX", "S?"),
        ("STPX", "S?"),
    ],
)
def test_what_it_can_not_do_is_refused_and_changes_nothing(command, answer):
    wire = Wire()
    wire.tell("DIA26.70")
    before = [wire.ask(query) for query in ("DIA", "PHN", "FUN", "RAT", "VOL", "DIR", "DIS", "SAF")]
    assert wire.ask(command) == answer
    after = [wire.ask(query) for query in ("DIA", "PHN", "FUN", "RAT", "VOL", "DIR", "DIS", "SAF")]
    assert before == after


def test_settings_are_told_back_as_the_pump_writes_them():
    wire = Wire()
    wire.tell("DIA 26.7", "RAT 1.5 MM", "VOL 5", "DIR WDR")
    assert [wire.ask(query) for query in ("DIA", "RAT", "VOL", "DIR", "FUN", "PHN")] == [
        "S26.70",
        "S1.500MM",
        "S5.000ML",
        "SWDR",
        "SRAT",
        "S01",
    ]
    wire.tell("DIRREV")
    assert wire.ask("DIR") == "SINF"
    wire.tell("RAT2.5")
    assert wire.ask("RAT") == "S2.500MM"
    wire.tell("FUNSTP")
    assert [wire.ask(query) for query in ("RAT", "VOL", "DIR")] == ["S?NA"] * 3


def test_small_syringes_count_in_microlitres_unless_told_otherwise():
    wire = Wire()
    wire.tell("VOL1.5", "DIA14.0")
    assert wire.ask("VOL") == "S1500.UL"
    assert wire.ask("DIS") == "SI0.000W0.000UL"
    wire.tell("VOLML")
    assert wire.ask("VOL") == "S1.500ML"
    wire.tell("DIA14.01")
    assert wire.ask("DIS") == "SI0.000W0.000ML"


def test_a_dose_is_drawn_then_delivered_and_the_pump_stops_by_itself():
    wire = Wire()
    wire.program_dose()
    assert wire.ask("RUN1") == "W"
    wire.wait(6.0)
    assert wire.ask("DIS") == "WI0.000W2.000ML"
    assert wire.world.vessel("stock").volume_ml == pytest.approx(498.0)
    assert wire.pot.volume_ml == 0.0
    wire.wait(9.0)
    assert wire.ask("DIS") == "II1.000W4.000ML"
    assert wire.pot.volume_ml == pytest.approx(1.0)
    assert wire.world.acts == []
    wire.wait(60.0)
    assert wire.ask("DIS") == "SI4.000W4.000ML"
    assert wire.pot.volume_ml == pytest.approx(4.0)
    assert wire.pot.mass_g == pytest.approx(4.8)
    assert wire.pot.concentration("salt") == pytest.approx(2.0)
    [act] = wire.world.acts
    assert (act.device, act.kind, act.detail["into"]) == ("pump", "dispense", "pot")
    assert act.detail["volume_ml"] == pytest.approx(4.0)
    assert act.at_s == pytest.approx(24.0)


def test_it_pumps_on_when_nobody_asks():
    wire = Wire()
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(3600.0)
    assert wire.pot.volume_ml == pytest.approx(4.0)
    assert wire.world.acts[0].at_s == pytest.approx(24.0)


def test_without_a_stop_phase_it_runs_on_until_the_syringe_ends():
    wire = Wire()
    wire.tell("DIA26.70", "PHN1", "RAT20.00MM", "VOL4.000", "DIRWDR")
    wire.ask("RUN1")
    wire.wait(13.0)
    assert wire.ask("")[0] == "I"
    wire.wait(3600.0)
    assert wire.ask("") == "A?S"
    assert wire.ask("") == "S"
    assert wire.pot.volume_ml == pytest.approx(4.0)


def test_one_stp_pauses_run_goes_on_two_end_the_program():
    wire = Wire()
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(15.0)
    assert wire.ask("STP") == "P"
    wire.wait(100.0)
    assert wire.ask("DIS") == "PI1.000W4.000ML"
    assert wire.world.acts == []
    assert wire.ask("RUN") == "I"
    wire.wait(3.0)
    assert wire.ask("STP") == "P"
    assert wire.ask("STP") == "S"
    assert wire.ask("DIS") == "SI2.000W4.000ML"
    [act] = wire.world.acts
    assert act.detail["volume_ml"] == pytest.approx(2.0)
    assert act.at_s == pytest.approx(118.0)
    assert wire.pot.volume_ml == pytest.approx(2.0)


def test_a_stop_while_drawing_delivers_nothing():
    wire = Wire()
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(6.0)
    wire.ask("STP")
    wire.ask("STP")
    wire.wait(100.0)
    assert wire.pot.volume_ml == 0.0
    assert wire.world.acts == []
    assert wire.pump.drive.contents.volume_ml == pytest.approx(2.0)


@pytest.mark.parametrize(
    "command", ["DIA20", "PHN2", "FUNSTP", "VOL1", "DIRINF", "CLDINF", "RUN1", "RAT1.000UM", "PUR"]
)
def test_while_it_runs_the_program_can_not_be_changed(command):
    wire = Wire()
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(1.0)
    assert wire.ask(command) == "W?NA"


def test_the_rate_may_be_changed_while_it_runs():
    wire = Wire()
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(6.0)
    assert wire.ask("RAT10") == "W"
    wire.wait(6.0)
    assert wire.ask("DIS") == "WI0.000W3.000ML"


def test_totals_are_cleared_by_cld_by_a_new_diameter_and_by_a_loss_of_power():
    wire = Wire()
    wire.program_dose()
    for clear in (
        lambda: wire.tell("CLDINF", "CLDWDR"),
        lambda: wire.tell("DIA26.71", "DIA26.70"),
        lambda: (wire.pump.power_cycle(), wire.ask("")),
    ):
        wire.ask("RUN1")
        wire.wait(60.0)
        assert wire.ask("DIS") == "SI4.000W4.000ML"
        clear()
        assert wire.ask("DIS") == "SI0.000W0.000ML"
    wire.ask("RUN1")
    wire.wait(60.0)
    wire.tell("CLDINF")
    assert wire.ask("DIS") == "SI0.000W4.000ML"


def test_a_loss_of_power_stops_the_plunger_and_keeps_the_program():
    wire = Wire()
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(15.0)
    wire.pump.power_cycle()
    wire.wait(100.0)
    assert wire.ask("RUN1") == "A?R"
    assert wire.ask("DIS") == "SI0.000W0.000ML"
    assert wire.ask("VOL") == "S4.000ML"
    [act] = wire.world.acts
    assert act.detail["volume_ml"] == pytest.approx(1.0)
    assert wire.pot.volume_ml == pytest.approx(1.0)


def test_a_blocked_line_stalls_once_and_what_was_delivered_stays_delivered():
    wire = Wire(stall_after_ml=1.5)
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(60.0)
    assert wire.ask("DIS") == "A?S"
    assert wire.ask("DIS") == "SI1.500W4.000ML"
    assert wire.pot.volume_ml == pytest.approx(1.5)
    assert wire.world.acts[0].at_s == pytest.approx(16.5)
    wire.ask("RUN2")
    wire.wait(60.0)
    assert wire.ask("") == "A?S"  # the end of the syringe, after the rest of it
    assert wire.pot.volume_ml == pytest.approx(4.0)


def test_more_than_the_syringe_holds_stalls_at_the_end_of_travel():
    wire = Wire(syringe_volume_ml=3.0)
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(60.0)
    assert wire.ask("DIS") == "A?S"
    assert wire.ask("DIS") == "SI0.000W3.000ML"


def test_a_dry_bottle_gives_air():
    wire = Wire()
    wire.world.fill("stock", 3.0, 1.2, {"salt": 2.0})
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(60.0)
    assert wire.ask("DIS") == "SI4.000W4.000ML"  # the pump knows nothing of it
    [act] = wire.world.acts
    assert act.detail["volume_ml"] == pytest.approx(3.0)
    assert act.detail["plunger_ml"] == pytest.approx(4.0)
    assert wire.pot.volume_ml == pytest.approx(3.0)


def test_a_full_vessel_spills_and_the_spill_is_one_act():
    wire = Wire()
    wire.world.vessel("pot").capacity_ml = 2.5
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(15.0)
    wire.world.advance()
    wire.wait(60.0)
    assert wire.pot.volume_ml == pytest.approx(2.5)
    assert [act.kind for act in wire.world.acts] == ["dispense", "spill"]
    assert wire.world.acts[1].detail["volume_ml"] == pytest.approx(1.5)


def test_doses_scatter_as_told_and_nothing_stays_in_the_syringe():
    wire = Wire(dose_cv=0.01)
    wire.program_dose("1.000")
    doses = []
    for _ in range(120):
        before = wire.pot.volume_ml
        wire.ask("RUN1")
        wire.wait(10.0)
        doses.append(wire.pot.volume_ml - before)
    assert wire.pump.drive.contents.volume_ml == pytest.approx(0.0, abs=1e-6)
    assert statistics.mean(doses) == pytest.approx(1.0, abs=0.004)
    assert 0.006 < statistics.stdev(doses) < 0.014


def test_the_same_seed_gives_the_same_doses():
    def dose(seed):
        wire = Wire(seed=seed, dose_cv=0.01)
        wire.program_dose()
        wire.ask("RUN1")
        wire.wait(60.0)
        return wire.pot.volume_ml

    assert dose(5) == dose(5)
    assert dose(5) != dose(6)


def test_how_often_the_world_is_looked_at_changes_nothing():
    def pot(looks):
        wire = Wire()
        wire.program_dose("3.333", "17.00MM")
        wire.ask("RUN1")
        for _ in range(looks):
            wire.wait(20.0 / looks)
            wire.world.advance()
        return wire.pot.volume_ml

    assert pot(1) == pytest.approx(pot(997), abs=1e-9)


def test_two_pumps_share_a_vessel_as_they_would():
    wire = Wire()
    other = NE1000Simulator(
        SimulatorContext(
            "drain", wire.world, wire.clock, Random(1), {"draws": "pot", "into": "waste"}
        )
    )

    def ask_other(command):
        [packet] = RequestDecoder().feed(f"0{command}\r".encode())
        return other.answer(packet)

    ask_other("")
    for command in ("DIA26.70", "RAT20.00MM", "VOL4.000", "DIRWDR", "PHN2", "FUNSTP"):
        ask_other(command)
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(13.0)
    ask_other("RUN1")  # draws while the other one still fills
    wire.wait(60.0)
    assert wire.pot.volume_ml == pytest.approx(0.0, abs=0.2)
    assert other.drive.contents.volume_ml == pytest.approx(4.0, abs=0.2)


def test_purging_runs_at_full_speed_until_stopped():
    wire = Wire()
    wire.tell("DIA26.70", "DIRWDR")
    assert wire.ask("PUR") == "X"
    wire.wait(60.0)
    assert wire.ask("") == "X"
    assert wire.ask("STP") == "S"
    assert wire.pump.drive.contents.volume_ml == pytest.approx(28.56, abs=0.01)
    assert wire.ask("DIS") == "SI0.000W0.000ML"


def test_the_end_of_program_memory_is_an_alarm():
    wire = Wire()
    wire.tell("DIA26.70", "PHN41", "RAT20.00MM", "VOL1.000", "DIRWDR")
    assert wire.ask("RUN41") == "W"
    wire.wait(10.0)
    assert wire.ask("") == "A?O"
    assert wire.ask("") == "S"


def test_running_a_stop_phase_moves_nothing():
    wire = Wire()
    wire.program_dose()
    wire.tell("PHN1", "FUNSTP")
    assert wire.ask("RUN1") == "S"
    wire.wait(60.0)
    assert wire.ask("DIS") == "SI0.000W0.000ML"


def test_safe_packets_are_taken_in_basic_mode_and_switch_it():
    wire = Wire()
    assert wire.raw(encode_safe("0SAF0")) == b"\x0200S\x03"
    assert wire.raw(encode_safe("0SAF5")) == encode_safe("00S")
    assert wire.raw(encode_safe("0VER")) == encode_safe("00SNE1000V3.923")
    assert wire.raw(b"0VER\r") == encode_safe("00S?COM")
    assert wire.raw(encode_safe("0SAF0")) == b"\x0200S\x03"
    assert wire.raw(b"0VER\r") == b"\x0200SNE1000V3.923\x03"


def test_a_hurt_packet_is_answered_by_com():
    wire = Wire()
    assert wire.pump.answer(Corrupt(b"x")) == b"\x0200S?COM\x03"


def test_in_safe_mode_silence_stops_the_pump():
    wire = Wire()
    wire.program_dose()
    wire.raw(encode_safe("0SAF5"))
    wire.raw(encode_safe("0RUN1"))
    for _ in range(5):
        wire.wait(3.0)
        wire.raw(encode_safe("0"))
    wire.wait(60.0)
    assert wire.raw(encode_safe("0DIS")) == encode_safe("00A?T")
    assert wire.raw(encode_safe("0DIS")) == encode_safe("00SI2.667W4.000ML")
    assert wire.pot.volume_ml == pytest.approx(8.0 / 3.0)


def test_in_basic_mode_silence_does_not():
    wire = Wire()
    wire.program_dose()
    wire.ask("RUN1")
    wire.wait(60.0)
    assert wire.ask("DIS") == "SI4.000W4.000ML"


def test_a_factory_reset_forgets_the_program():
    wire = Wire()
    wire.program_dose()
    assert wire.raw(b"*RESET\r") == b"\x0200S\x03"
    assert [wire.ask(query) for query in ("DIA", "VOL", "FUN")] == ["S26.59", "S0.000ML", "SRAT"]


def test_left_alone_it_has_a_bottle_and_a_beaker_of_its_own():
    clock = HandClock()
    world = World(1, clock)
    NE1000Simulator(SimulatorContext("pump", world, clock, Random(1), {}))
    assert world.vessel("pump.bottle").volume_ml == 1000.0


@pytest.mark.parametrize(("bias", "delivered"), [(0.02, 4.08), (-0.05, 3.8)])
def test_a_systematic_error_is_the_same_in_every_dose_and_the_pump_does_not_know(bias, delivered):
    wire = Wire(dose_bias=bias)
    wire.program_dose()
    for count in (1, 2):
        wire.ask("RUN1")
        wire.wait(60.0)
        assert wire.pot.volume_ml == pytest.approx(count * delivered)
    assert wire.ask("DIS") == "SI8.000W8.000ML"
    assert [act.detail["volume_ml"] for act in wire.world.acts] == pytest.approx([delivered] * 2)


def test_chance_comes_on_top_of_the_systematic_error():
    wire = Wire(dose_bias=0.02, dose_cv=0.01)
    wire.program_dose()
    for _ in range(50):
        wire.ask("RUN1")
        wire.wait(60.0)
        wire.pot  # noqa: B018 - looking moves the plunger
    doses = [float(act.detail["volume_ml"]) / 4.0 for act in wire.world.acts]
    assert statistics.fmean(doses) == pytest.approx(1.02, abs=0.005)
    assert statistics.stdev(doses) == pytest.approx(0.01, rel=0.3)


@pytest.mark.parametrize(
    "settings",
    [
        {"dose_cv": "much"}, {"dose_bias": "much"}, {"dose_bias": -1.0}, {"dose_bias": 2},
        {"into": 7}, {"stall_after_ml": True},
    ],
)  # fmt: skip
def test_settings_of_the_wrong_kind_are_refused(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        Wire(**settings)
