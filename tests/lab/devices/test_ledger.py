"""The ledger: durable, in order, one process at a time; an id acts once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from lab.devices.ledger import Claim, CommandLedger, SafeRecord
from lab.domain.command import Command, Outcome, Settlement
from lab.domain.errors import UnavailableError

DONE = Outcome(result="succeeded", outputs={"volume": 2.5})


def command(id: str = "c1", effect: str = "once") -> Command:
    return Command.model_validate(
        {
            "id": id,
            "run": "r",
            "step": "s",
            "attempt": 1,
            "device": "pump",
            "action": "dispense",
            "args": {"volume": 2.5},
            "effect": effect,
            "settle": "query",
            "timeout_s": 30.0,
        }
    )


@pytest.fixture
def ledger():
    book = CommandLedger(identity="l1")
    yield book.device("pump")
    book.close()


def test_a_command_from_receipt_to_end(ledger):
    ledger.receive(command(), epoch=3, seq=7, journal="j1")
    assert [entry.id for entry in ledger.interrupted()] == ["c1"]
    ledger.prepare("c1")
    ledger.act("c1")
    ledger.end("c1", DONE)
    entry = ledger.entry("c1")
    assert (entry.state, entry.outcome, entry.epoch, entry.seq) == ("ended", DONE, 3, 7)
    assert (entry.command, entry.act_order) == (command(), 1)
    assert (ledger.interrupted(), ledger.last_seq(3, "j1"), ledger.last_seq(2, "j1")) == ([], 7, -1)
    assert ledger.entry("c2") is None


def test_epochs_of_the_same_records_only_rise(ledger):
    assert ledger.holder() == Claim("", 0, free=True)
    for epoch, expected in ((3, 3), (2, 3), (3, 3), (5, 5)):
        assert ledger.claim(epoch, "j1") == (epoch >= expected)
        assert ledger.holder() == Claim("j1", expected, free=False)
    assert ledger.is_stale(4, "j1")
    assert not ledger.is_stale(5, "j1")
    assert not ledger.is_stale(1, "j2"), "epochs of other records are no older"


def test_other_records_get_a_device_that_its_engine_has_left(ledger):
    ledger.claim(7, "j1")
    assert not ledger.claim(1, "j2")
    ledger.leave(6, "j1")
    ledger.leave(7, "j2")
    assert not ledger.claim(1, "j2"), "only who holds it can leave it"
    ledger.leave(7, "j1")
    assert ledger.holder() == Claim("j1", 7, free=True)
    assert ledger.claim(1, "j2")
    assert ledger.holder() == Claim("j2", 1, free=False)


def test_a_device_is_taken_only_from_the_holder_that_is_named(ledger):
    ledger.claim(7, "j1")
    for takes in ((6, "j1"), (8, "j1"), (7, "j2"), (1, "j2")):
        assert not ledger.claim(1, "j2", takes)
    assert ledger.claim(1, "j2", (7, "j1"))
    assert ledger.claim(8, "j1", (1, "j2"))
    assert not ledger.claim(1, "j2", (8, "j1")), "nobody gets it twice"
    assert not ledger.claim(2, "j2", (7, "j1")), (
        "a late copy of that word names a holder of the past"
    )
    assert ledger.claim(2, "j2", (8, "j1"))


def test_an_engine_that_lost_the_device_never_gets_it_back_though_it_is_free(ledger):
    ledger.claim(7, "j1")
    ledger.claim(1, "j2", (7, "j1"))
    ledger.leave(1, "j2")
    assert ledger.is_stale(7, "j1")
    assert not ledger.claim(7, "j1")
    assert ledger.holder() == Claim("j2", 1, free=True)
    assert ledger.claim(8, "j1"), "a new start may"


def test_numbers_and_memories_of_other_records_are_apart(ledger):
    ledger.receive(command("a"), 1, 5, "j1")
    assert (ledger.last_seq(1, "j1"), ledger.last_seq(1, "j2")) == (5, -1)
    ledger.end("a", DONE)
    for number in range(1, 1201):
        ledger.receive(command(f"b{number}"), 9, number, "j2")
        ledger.end(f"b{number}", DONE)
    ledger.forget(9, 1201, "j2")
    assert ledger.entry("b1") is None
    kept = ledger.entry("a")
    assert kept is not None
    assert (kept.journal, kept.state) == ("j1", "ended"), "their engine may still ask for it"


def test_sequence_numbers_only_rise_within_an_epoch(ledger):
    ledger.receive(command("a"), 1, 5, "j1")
    ledger.refuse("b", "busy", "", epoch=1, journal="j1", seq=4)
    assert ledger.last_seq(1, "j1") == 5
    ledger.refuse("c", "busy", "", epoch=1, journal="j1", seq=9)
    ledger.refuse("d", "retained", "", epoch=1, journal="j1")
    assert (ledger.last_seq(1, "j1"), ledger.last_seq(2, "j1")) == (9, -1)


def test_devices_are_apart():
    book = CommandLedger(identity="l1")
    one, two = book.device("one"), book.device("two")
    one.receive(command("x"), 4, 4, "j1")
    one.claim(4, "j1")
    one.enter_safe("s")
    assert two.entry("x") is None
    assert (two.holder().epoch, two.last_seq(4, "j1"), two.safe_in_force()) == (0, -1, ())
    two.receive(command("x"), 1, 1, "j1")
    book.close()


@pytest.mark.parametrize("state", ["received", "prepared", "acting", "ended", "settled"])
def test_an_id_that_acts_once_is_received_once(ledger, state):
    ledger.receive(command(), 1, 1, "j1")
    if state != "received":
        ledger.prepare("c1")
    if state in ("acting", "ended"):
        ledger.act("c1")
    if state == "ended":
        ledger.end("c1", DONE)
    if state == "settled":
        ledger.settle("c1", Settlement(verdict="not_done"))
    with pytest.raises(RuntimeError, match=f"already {state}"):
        ledger.receive(command(), 2, 2, "j1")
    # Refusing it now changes nothing about what was accepted, and takes the number.
    ledger.refuse("c1", "busy", "", epoch=2, journal="j1", seq=2)
    assert ledger.entry("c1").state == state
    assert ledger.last_seq(2, "j1") == 2


def test_a_setting_that_was_interrupted_is_received_again(ledger):
    ledger.receive(command(effect="absolute"), 1, 1, "j1")
    ledger.prepare("c1")
    ledger.act("c1")
    ledger.receive(command(effect="absolute"), 2, 1, "j1")
    assert ledger.entry("c1").state == "received"
    ledger.end("c1", DONE)
    with pytest.raises(RuntimeError, match="already ended"):
        ledger.receive(command(effect="absolute"), 3, 1, "j1")


def test_what_was_refused_is_never_received(ledger):
    ledger.refuse("c1", "withdrawn", "a query came first", epoch=1, journal="j1")
    entry = ledger.entry("c1")
    assert (entry.state, entry.reason, entry.command) == ("refused_forever", "withdrawn", None)
    for effect in ("once", "absolute", "none"):
        with pytest.raises(RuntimeError, match="refused_forever"):
            ledger.receive(command(effect=effect), 1, 1, "j1")
    assert ledger.last_seq(1, "j1") == -1  # rolled back as a whole


def test_steps_out_of_order_are_refused(ledger):
    for step in (ledger.prepare, ledger.act):
        with pytest.raises(RuntimeError, match="not in the ledger"):
            step("c1")
    ledger.receive(command(), 1, 1, "j1")
    with pytest.raises(RuntimeError, match="can't become acting: it is received"):
        ledger.act("c1")
    ledger.prepare("c1")
    ledger.act("c1")
    with pytest.raises(RuntimeError, match="can't become acting: it is acting"):
        ledger.act("c1")
    ledger.end("c1", DONE)
    with pytest.raises(RuntimeError, match="can't become ended: it is ended"):
        ledger.end("c1", DONE)


def test_acts_are_counted_so_that_old_counters_are_not_asked(ledger):
    for id in ("a", "b"):
        ledger.receive(command(id), 1, ord(id), "j1")
        ledger.prepare(id)
        ledger.act(id)
    assert ledger.acted_since(ledger.entry("a"))
    assert not ledger.acted_since(ledger.entry("b"))


def test_safe_is_in_force_until_it_is_lifted(ledger):
    assert ledger.safe_in_force() == ()
    ledger.enter_safe("s1")
    ledger.confirm_safe("s1", confirmed=True, detail="")
    ledger.enter_safe("s2")
    assert [request.id for request in ledger.safe_in_force()] == ["s1", "s2"]
    ledger.lift(("s2", "never heard of"))
    assert ledger.safe_in_force() == (SafeRecord("s1", confirmed=True, detail=""),)
    ledger.lift(())
    assert ledger.safe_in_force(), "what is not named is not lifted"
    ledger.lift(("s1",))
    assert ledger.safe_in_force() == ()
    ledger.enter_safe("s1")
    assert ledger.safe_in_force() == (SafeRecord("s1", confirmed=False, detail=""),)


# -- forgetting -----------------------------------------------------------------------------------


def ended(ledger, number: int, epoch: int = 1) -> str:
    name = f"e{epoch}-{number}"
    ledger.receive(command(name), epoch, number, "j1")
    ledger.prepare(name)
    ledger.act(name)
    ledger.end(name, DONE)
    return name


def names(book) -> set[str]:
    return {name for (name,) in book._db.execute("SELECT id FROM command")}


def test_a_ledger_stays_small_however_long_it_serves():
    book = CommandLedger(identity="l1")
    ledger = book.device("doser")
    most = 0
    for epoch in (1, 2, 3):
        ledger.claim(epoch, "j1")
        for number in range(1, 1001):
            ended(ledger, number, epoch)
            ledger.forget(epoch, number, "j1")
            most = max(most, len(names(book)))
    assert 1000 <= most <= 1101
    newest = ledger.entry("e3-1000")
    assert newest is not None
    assert newest.state == "ended", "the newest stay"
    assert ledger.entry("e1-1000") is None
    assert [ledger.last_seq(epoch, "j1") for epoch in (1, 2, 3)] == [-1, -1, 1000]
    book.close()


def test_nothing_is_forgotten_that_the_engine_may_still_ask_for():
    book = CommandLedger(identity="l1")
    ledger = book.device("doser")
    for number in range(1, 1301):
        ended(ledger, number)
        ledger.forget(2, 0, "j1")
    assert len(names(book)) == 1300, "a horizon of 0 says nothing, not of lower epochs either"
    ledger.forget(1, 51, "j1")
    assert len(names(book)) == 1250, "only what is below the horizon"
    assert ledger.entry("e1-51") is not None
    ledger.forget(1, 1301, "j1")
    assert len(names(book)) == 1000
    book.close()


def test_what_was_interrupted_is_never_forgotten():
    book = CommandLedger(identity="l1")
    ledger = book.device("doser")
    for number, state in enumerate(("received", "prepared", "acting"), start=1):
        name = f"open-{state}"
        ledger.receive(command(name), 1, number, "j1")
        if state != "received":
            ledger.prepare(name)
        if state == "acting":
            ledger.act(name)
    for number in range(4, 1500):
        ended(ledger, number)
    ledger.forget(2, 1, "j1")
    assert {entry.id for entry in ledger.interrupted()} == {
        "open-received",
        "open-prepared",
        "open-acting",
    }
    acting = ledger.entry("open-acting")
    assert acting is not None
    assert ledger.acted_since(acting)
    book.close()


def test_another_device_s_memory_is_its_own():
    book = CommandLedger(identity="l1")
    one, two = book.device("one"), book.device("two")
    for number in range(1, 1301):
        one.receive(command(f"one-{number}"), 1, number, "j1")
        one.end(f"one-{number}", DONE)
        two.receive(command(f"two-{number}"), 1, number, "j1")
        two.end(f"two-{number}", DONE)
    one.forget(1, 1301, "j1")
    left = names(book)
    assert sum(name.startswith("one-") for name in left) == 1000
    assert sum(name.startswith("two-") for name in left) == 1300
    book.close()


def test_lifted_safe_requests_are_forgotten_and_those_in_force_are_not():
    book = CommandLedger(identity="l1")
    ledger = book.device("doser")
    ledger.enter_safe("in force")
    for number in range(1200):
        ledger.enter_safe(f"s{number}")
        ledger.lift((f"s{number}",))
        ended(ledger, number + 1)
    ledger.forget(1, 1201, "j1")
    [(count,)] = book._db.execute("SELECT COUNT(*) FROM safe_request").fetchall()
    assert count == 1001
    assert [request.id for request in ledger.safe_in_force()] == ["in force"]
    book.close()


# -- the file -----------------------------------------------------------------------------------


def test_a_killed_process_leaves_what_it_had_written(tmp_path):
    path = tmp_path / "new folder" / "ledger.db"
    script = f"""
        import os
        from tests.lab.devices.test_ledger import command
        from lab.devices.ledger import CommandLedger, SafeRecord
        ledger = CommandLedger({str(path)!r}, identity="l1").device("pump")
        ledger.claim(4, "j1")
        ledger.receive(command(), 4, 1, "j1")
        ledger.prepare("c1")
        ledger.act("c1")
        os.kill(os.getpid(), 9)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert ended.returncode == -9
    book = CommandLedger(path, identity="l1")
    ledger = book.device("pump")
    assert (ledger.holder().epoch, ledger.last_seq(4, "j1")) == (4, 1)
    assert [entry.state for entry in ledger.interrupted()] == ["acting"]
    book.close()


def test_a_second_process_is_refused(tmp_path):
    path = tmp_path / "ledger.db"
    book = CommandLedger(path, identity="l1")
    script = f"""
        from lab.devices.ledger import CommandLedger, SafeRecord
        from lab.domain.errors import UnavailableError
        try:
            CommandLedger({str(path)!r}, identity="l1")
        except UnavailableError as error:
            print(error.message, "/", error.hint)
    """
    run = [sys.executable, "-c", textwrap.dedent(script)]
    told = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    assert "locked" in told
    assert "end the other device host" in told
    book.close()
    assert subprocess.run(run, check=True, capture_output=True, text=True).stdout == ""


def test_a_damaged_file_is_told_and_left_alone(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(UnavailableError, match="not a database"):
        CommandLedger(path, identity="l1")
    assert path.read_bytes() == b"no database at all" * 100


def test_a_path_that_can_not_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match=r"ledger\.db"):
        CommandLedger(tmp_path / "file" / "ledger.db", identity="l1")


def test_writes_are_flushed_to_the_disk_where_nothing_else_is_said(tmp_path):
    book = CommandLedger(tmp_path / "ledger.db", identity="l1")
    db = book.device("pump")._db
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    book.close()
    with pytest.raises(sqlite3.ProgrammingError):
        book.device("pump").holder()


class LedgerMachine(RuleBasedStateMachine):
    """Any order of calls: whatever is refused, no id that acts once begins twice or after an end or refusal."""

    ids = st.sampled_from(["a", "b", "c"])

    @initialize()
    def open(self):
        self.book = CommandLedger(identity="l1")
        self.ledger = self.book.device("pump")
        self.begun: list[str] = []
        self.closed: set[str] = set()
        self.seq = 0

    @rule(id=ids)
    def receive(self, id):
        self.seq += 1
        self._try(lambda: self.ledger.receive(command(id), 1, self.seq, "j1"))

    @rule(id=ids)
    def prepare(self, id):
        self._try(lambda: self.ledger.prepare(id))

    @rule(id=ids)
    def act(self, id):
        if self._try(lambda: self.ledger.act(id)):
            assert id not in self.begun
            assert id not in self.closed
            self.begun.append(id)

    @rule(id=ids)
    def end(self, id):
        if self._try(lambda: self.ledger.end(id, DONE)):
            self.closed.add(id)

    @rule(id=ids)
    def settle(self, id):
        if self._try(lambda: self.ledger.settle(id, Settlement(verdict="not_done"))):
            self.closed.add(id)

    @rule(id=ids)
    def refuse(self, id):
        known = self.ledger.entry(id)
        self.ledger.refuse(id, "busy", "", epoch=1, journal="j1")
        if known is None:
            self.closed.add(id)
        else:
            assert self.ledger.entry(id) == known

    def _try(self, step) -> bool:
        try:
            step()
        except RuntimeError:
            return False
        return True

    def teardown(self):
        if hasattr(self, "book"):
            entries = [self.ledger.entry(id) for id in self.begun]
            orders = [entry.act_order for entry in entries if entry is not None]
            assert orders == list(range(1, len(orders) + 1))
            self.book.close()


LedgerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLedgerMachine = LedgerMachine.TestCase


@pytest.mark.parametrize("in_memory", [True, False])
def test_only_a_file_is_told_when_to_flush(tmp_path, in_memory):
    book = CommandLedger(":memory:" if in_memory else tmp_path / "ledger.db", identity="l1")
    said: list[str] = []
    book._db.set_trace_callback(said.append)
    part = book.device("pump")
    part.receive(command(), epoch=1, seq=1, journal="j1")
    part.prepare("c1")
    part.act("c1")
    part.end("c1", DONE)
    book.close()
    pragmas = [line for line in said if "synchronous" in line]
    assert pragmas == (
        [] if in_memory else ["PRAGMA synchronous = NORMAL", "PRAGMA synchronous = FULL"] * 2
    )
    [acting] = [n for n, line in enumerate(said) if "SET state = 'acting'" in line]
    assert [line for line in said[:acting] if "synchronous" in line][-1:] in (
        [],
        ["PRAGMA synchronous = FULL"],
    ), "the point of no return is flushed"
