"""A lab of real processes that may be killed at any moment: engine, device host, broker, database; the instruments live on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.app.files import open_lab
from tests.conftest import missing
from tests.system.lab_process import Acts, simulators
from tests.system.lab_process import lab as run_lab
from tests.system.test_over_mosquitto import own_lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.control.document import EngineStatus

__all__ = ["Killable", "RealLab", "mosquitto", "own_postgres", "real_lab"]


class Killable:
    """A process that is started again after it was killed."""

    def __init__(
        self, name: str, words: Callable[[], list[str]], log: Path, **more: object
    ) -> None:
        self.name = name
        self.kills = 0
        self._words = words
        self._log = log
        self._more = more
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
        with self._log.open("ab") as file:
            self._process = subprocess.Popen(
                self._words(), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                env=environment, **self._more,  # pyright: ignore[reportArgumentType, reportCallIssue]
            )  # fmt: skip

    @property
    def code(self) -> int | None:
        assert self._process is not None
        return self._process.poll()

    def pause(self) -> None:
        """SIGSTOP: it hangs, and keeps all that it has."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL; counted where it hit a process that lived."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(20)
            self.kills += 1

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)  # one that is paused would not hear it
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)

    def revive(self) -> None:
        """Start it again where it has ended by itself, as its supervisor would."""
        if self.code is not None:
            self.start()

    def told(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]


def free_port() -> int:
    """Below the ports that the system hands out by itself, so that none is taken while the broker is away."""
    for port in range(21_000 + os.getpid() % 5_000, 31_000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def mosquitto(folder: Path, port: int) -> Killable:
    """A broker of our own, configured as the guide says."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        missing("mosquitto", "install it")
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
        "max_queued_messages 0\npersistence false\n"
    )
    return Killable("broker", lambda: [program, "-c", str(config)], folder / "broker.log")


@contextmanager
def own_postgres(folder: Path) -> Iterator[tuple[Killable, str]]:
    """A PostgreSQL cluster of our own that may be killed; and its URL."""
    debian = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    postgres = shutil.which("postgres", path=":".join([os.environ.get("PATH", ""), *debian]))
    initdb = Path(postgres).resolve().parent / "initdb" if postgres else None
    if postgres is None or initdb is None or not initdb.exists():
        missing("PostgreSQL server programs", "install postgresql")
    user: dict[str, object] = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    data, port = folder / "pg", free_port() + 1
    data.mkdir()
    if user:
        shutil.chown(data, "postgres", "postgres")
        for parent in (folder, *list(folder.parents)[:3]):
            with suppress(PermissionError):
                parent.chmod(parent.stat().st_mode | 0o055)
    subprocess.run(
        [str(initdb), "-D", str(data), "-A", "trust", "-U", "postgres"],
        check=True, capture_output=True, **user,  # pyright: ignore[reportCallIssue, reportArgumentType]
    )  # fmt: skip
    words = [str(postgres), "-D", str(data), "-p", str(port), "-k", "", "-h", "127.0.0.1"]
    server = Killable("database", lambda: words, folder / "pg.log", **user)
    server.start()
    try:
        wait(lambda: answers(port), "the database")
        yield server, f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    finally:
        server.kill()


def wait(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def _patient(lab_file: Path, dead_man: str) -> None:
    """Long dead-man times: on a busy machine a killed engine may be away for longer than usual ones, and then a run is held for
    a person, as it should be. `tests/system/test_dead_man.py` is about that."""
    text = lab_file.read_text()
    drivers = open_lab(lab_file)
    for name in drivers.lab.devices:
        if drivers.dead_man_s(name) is not None:
            text = text.replace(f"  {name}:\n", f"  {name}:\n    dead_man: {dead_man}\n")
    lab_file.write_text(text)


class RealLab:
    """Its processes by name. Devices that are to stand `apart` have a host of their own with a ledger of its own, which
    `other_host` is, in the folder `ledgers_of_other`."""

    def __init__(
        self,
        folder: Path,
        broker_url: str,
        database: str,
        endpoints: Path,
        trials: int,
        *,
        apart: tuple[str, ...] = (),
        ledgers_of_other: Path | None = None,
        dead_man: str = "5 min",
        speed: float = 60.0,
        engine_program: tuple[str, ...] = ("-m", "lab.cli.main"),
    ) -> None:
        example = own_lab(folder)
        self.campaign = example / "campaign.yaml"
        text = self.campaign.read_text().replace("method: bayesian", "method: sobol")
        self.campaign.write_text(text)
        _patient(example / "lab.yaml", dead_man)
        self.broker_url = broker_url
        self._folder = folder
        common = ["--broker", broker_url, "--speed", f"{speed:g}"]
        lab = [sys.executable, "-m", "lab.cli.main"]
        self.database = database
        devices = open_lab(example / "lab.yaml").lab.devices
        self._begun = False

        def engine() -> list[str]:
            verb = ["resume"] if self._begun else ["run", "--trials", str(trials), "--seed", "3"]
            return [
                sys.executable,
                *(lab[1:] if self._begun else engine_program),
                verb[0],
                str(self.campaign),
                *verb[1:],
                "--no-hosts",
                "--db",
                database,
                *common,
            ]

        def standby() -> list[str]:
            return [
                *lab, "run", str(self.campaign), "--standby", "--no-hosts", "--db", database, *common,
            ]  # fmt: skip

        def host(name: str, where: Path, served: tuple[str, ...]) -> list[str]:
            return [
                *lab, "devices", "host", str(example / "lab.yaml"), "--endpoints", str(endpoints),
                "--ledger", str(where / f"{name}.ledger"), *common,
                *(word for device in served for word in ("--only", device)),
            ]  # fmt: skip

        here = tuple(name for name in devices if name not in apart) if apart else ()
        self.engine = Killable("engine", engine, folder / "engine.log")
        self.standby = Killable("standby", standby, folder / "standby.log")
        self.host = Killable("host", lambda: host("host", folder, here), folder / "host.log")
        self.other_host = Killable(
            "other host",
            lambda: host("other", ledgers_of_other or folder, apart),
            folder / "other_host.log",
        )
        self._apart = bool(apart)

    def start(self, begun: Callable[[], bool]) -> None:
        self.host.start()
        if self._apart:
            self.other_host.start()
        self.engine.start()
        wait(lambda: begun() or self.engine.code is not None, "the campaign's first record")
        assert self.engine.code is None, self.engine.told()
        self._begun = True

    def status(self) -> EngineStatus:
        """`lab status --json`."""
        told = self.ask("status", "--json")
        assert told.returncode == 0, told.stderr + self.engine.told()
        return json.loads(told.stdout)

    def ask(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        """`lab VERB` of the engine of these records."""
        return run_lab(verb, "--db", self.database, *words, timeout=60)

    def acts(self) -> Acts:
        return Acts(self._folder / "acts.jsonl")


@contextmanager
def real_lab(
    folder: Path,
    broker_url: str,
    database: str,
    trials: int,
    *,
    relayed: Callable[[Path], AbstractContextManager[Path]] = nullcontext,
    speed: float = 60.0,
    **more: Any,
) -> Iterator[RealLab]:
    """The instruments behind ptys, and a lab that is not started yet. `relayed` may put something between: endpoints file to
    endpoints file."""
    with ExitStack() as stack:
        endpoints = stack.enter_context(
            relayed(stack.enter_context(simulators(folder, speed=speed)))
        )
        lab = RealLab(folder, broker_url, database, endpoints, trials, speed=speed, **more)
        for process in (lab.host, lab.other_host, lab.standby, lab.engine):
            stack.callback(process.end)
        yield lab


def rows_of(url: str) -> list[dict[str, object]]:
    """All events of a database, whichever it is; none while it can't be read."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            found = connection.execute(text("SELECT body FROM journal ORDER BY seq"))
            return [json.loads(body) for (body,) in found]
    except DBAPIError:
        return []
    finally:
        engine.dispose()
