"""The control API on a real server on loopback, asked by the real client from another thread."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import closing

import httpx
import pytest

from lab.cli.status_text import status_lines
from lab.control.api import openapi_document
from lab.control.client import ControlClient, control_file
from lab.control.server import ControlServer
from lab.domain import event as ev
from lab.domain.errors import InputError, RefusedError, UnavailableError
from tests.support.fake_engine import FakeEngine


@pytest.fixture
def database(tmp_path):
    return tmp_path / "lab #1.db"


@pytest.fixture
async def engine(database):
    return FakeEngine(f"sqlite:///{database}")


@pytest.fixture
async def server(engine):
    async with ControlServer(engine) as running:
        yield running


async def ask(call, *args, **kwargs):
    """A blocking call beside the server's loop."""
    return await asyncio.to_thread(call, *args, **kwargs)


@pytest.fixture
async def client(server, database):
    with await ask(ControlClient.find, database) as found:
        yield found


async def test_status_is_the_document_of_the_engines_state(client, engine):
    document = await ask(client.status)
    assert document["engine"]["lab"] == "electrolyte_cell"
    assert document["engine"]["pid"] == os.getpid()
    assert document["mode"] == "running"
    assert document["seq"] == engine.state().seq
    assert [run["trial"] for run in document["runs"]] == [5, 6]
    assert document["runs"][0]["current"][0]["step"] == "heat"
    assert document["campaigns"][0]["trials"] == {
        "budget": 8,
        "proposed": 6,
        "done": 3,
        "failed": 1,
        "open": 2,
        "counting": "",
        "counted": 3,
        "cost_budget": None,
        "cost_left": None,
    }


async def test_requests_are_acknowledged_and_take_effect(client, engine):
    answer = await ask(client.request, "pause", "Ada", "refilling the solvent")
    assert answer.accepted
    assert engine.asked[0].actor == "Ada"
    document = await ask(client.status)
    assert document["mode"] == "paused"
    assert document["mode_text"].startswith("paused by Ada: refilling the solvent")
    assert (await ask(client.request, "resume", "Bo")).accepted
    assert (await ask(client.status))["mode"] == "running"


async def test_a_repeated_id_gives_the_first_answer_and_does_nothing(client, engine):
    first = await ask(client.request, "pause", "Ada", "", None, "one")
    again = await ask(client.request, "pause", "Ada", "", None, "one")
    assert again == first
    assert len(engine.asked) == 1
    assert (await ask(client.request, "pause", "Ada", "", None, "two")).id == "two"
    assert len(engine.asked) == 2


async def test_a_double_click_reaches_the_engine_once(client, engine):
    engine.hold.clear()
    clicks = [
        asyncio.create_task(ask(client.request, "stop", "Ada", "", None, "one")) for _ in range(3)
    ]
    while not engine.asked:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    engine.hold.set()
    answers = await asyncio.gather(*clicks)
    assert answers[0] == answers[1] == answers[2]
    assert len(engine.asked) == 1


async def test_hanging_up_does_not_cancel_what_was_asked(server, engine):
    engine.hold.clear()
    impatient = ControlClient(server.url, server.token, timeout_s=0.2)
    with pytest.raises(UnavailableError, match="in time") as late:
        await ask(impatient.request, "safe", "Ada", "", None, "one")
    assert "safe to repeat" in late.value.hint
    impatient.close()
    engine.hold.set()
    while "one" not in engine.state().requests:
        await asyncio.sleep(0.01)
    assert engine.state().mode == "safe"
    with closing(ControlClient(server.url, server.token)) as patient:
        assert (await ask(patient.request, "safe", "Ada", "", None, "one")).accepted
    assert len(engine.asked) == 1


async def test_a_refusal_is_an_answer_not_a_failure(client):
    args = {"question": "q9", "answer": "yes"}
    answer = await ask(client.request, "answer", "Ada", "", args)
    assert not answer.accepted
    assert answer.detail == "there is no open question or task 'q9'"


@pytest.mark.parametrize("args", [None, {"run": "electrolyte-1/r001"}])
async def test_an_abort_is_of_one_run_or_of_all(client, engine, args):
    await ask(client.request, "abort", "Ada", "spilled", args)
    assert engine.asked[-1].verb == "abort"
    assert engine.asked[-1].args == (args or {})


@pytest.mark.parametrize(
    ("args", "complete"),
    [
        ({"do": "approve", "trial": 1}, True),
        ({"do": "edit", "trial": 1, "factors": {"x": "1 mL"}}, True),
        ({"do": "veto", "condition": "x > 1 mL"}, True),
        ({"do": "veto", "trial": 1}, False),
        ({"do": "add", "results": [], "source": "", "beyond": False}, True),
        ({"do": "add", "results": {}, "source": "", "beyond": False}, False),
        ({"do": "add", "results": [], "source": "", "beyond": False, "fidelity": "quick"}, True),
        ({"do": "pin", "factors": {"x": 1}, "fidelity": "quick"}, True),
        ({"do": "pin", "factors": {"x": 1}, "fidelity": 2}, False),
        ({"do": "edit", "trial": 1, "factors": {"x": 1}, "fidelity": "quick"}, False),
        ({"do": "context", "factors": {"room": "21 degC"}}, True),
        ({"do": "context", "factors": "21 degC"}, False),
        ({"do": "reject", "trial": "one"}, False),
        ({"do": "wish"}, False),
        ({}, False),
    ],
)
def test_what_is_said_of_a_trial_is_complete(args, complete):
    from pydantic import ValidationError

    from lab.control.port import Request

    made = {"id": "a", "verb": "trial", "actor": "Ada", "args": args}
    if complete:
        assert Request.model_validate(made).args == args
    else:
        with pytest.raises(ValidationError, match="the arg"):
            Request.model_validate(made)


async def test_a_step_that_is_to_be_stopped_says_so_until_it_is_confirmed(client, engine):
    command = engine.state().open_commands()[0].command
    asked = ev.CancelAsked(
        command=command.id, device=command.device, run=command.run, step=command.step, actor="Ada"
    )

    async def who() -> set[str]:
        runs = (await ask(client.status))["runs"]
        return {step["cancel_asked_by"] for run in runs for step in run["current"]} - {""}

    assert await who() == set()
    engine.tell(asked)
    assert await who() == {"Ada"}
    lines = status_lines(await ask(client.status))
    assert any("STOP asked by Ada, not confirmed yet" in line for line in lines)


async def test_questions_are_answered_by_name(client, engine):
    command = engine.state().open_commands()[0].command
    engine.tell(
        ev.QuestionAsked(
            question="q1",
            command=command.id,
            run=command.run,
            text="Is the cell hot?",
            choices=("yes", "no"),
        )
    )
    document = await ask(client.status)
    assert document["questions"][0]["text"] == "Is the cell hot?"
    assert document["questions"][0]["choices"] == ["yes", "no"]
    await ask(client.request, "answer", "Ada", "I looked", {"question": "q1", "answer": "yes"})
    assert (await ask(client.status))["questions"] == []
    assert engine.records[-1].event == ev.QuestionAnswered(
        question="q1", answer="yes", actor="Ada", reason="I looked"
    )


@pytest.mark.parametrize(
    ("verb", "actor", "args"),
    [
        ("pause", "", None),
        ("pause", "   ", None),
        ("pause", "Ada", {"x": 1}),
        ("answer", "Ada", None),
        ("answer", "Ada", {"question": "q1", "answer": 3}),
        ("abort", "Ada", {"run": 3}),
        ("abort", "Ada", {"runs": "r1"}),
        ("stop", "Ada", {"run": "r1"}),
        ("explode", "Ada", None),
    ],
)
async def test_incomplete_requests_are_refused_on_both_sides(
    server, engine, client, verb, actor, args
):
    with pytest.raises(InputError):
        await ask(client.request, verb, actor, "", args)
    body = {"id": "a", "verb": verb, "actor": actor, "args": args or {}}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as raw:
        headers = {"Authorization": f"Bearer {server.token}"}
        response = await raw.post("/v1/requests", json=body, headers=headers)
    assert response.status_code == 422
    assert engine.asked == []


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic dG9rZW4=", "Bearer", "Bearer ä"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/status"), ("POST", "/v1/requests"), ("GET", "/v1/events")]
)
async def test_without_the_token_nothing_is_told_or_done(server, engine, header, method, path):
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as raw:
        body = {"id": "a", "verb": "stop", "actor": "Eve"}
        response = await raw.request(method, path, headers=headers, json=body)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert server.token not in response.text
    assert engine.asked == []


async def test_a_wrong_token_is_a_refusal_for_the_client(server):
    with closing(ControlClient(server.url, "wrong")) as stranger:
        with pytest.raises(RefusedError, match="token"):
            await ask(stranger.status)
        with pytest.raises(RefusedError, match="token"):
            await ask(lambda: next(stranger.events()))


async def test_health_needs_no_token(server):
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as raw:
        response = await raw.get("/v1/health")
    assert response.json() == {"lab": "electrolyte_cell", "pid": os.getpid()}


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1:1", 200),
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("[::1]:80", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example:80", 403),
        ("[::2]", 403),
        ("", 403),
    ],
)
async def test_only_loopback_names_are_answered(server, host, code):
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as raw:
        response = await raw.get("/v1/health", headers={"Host": host})
    assert response.status_code == code


async def test_the_api_describes_itself(server):
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as raw:
        document = (await raw.get("/openapi.json")).json()
        assert (await raw.get("/docs")).status_code == 404  # it would fetch scripts from elsewhere
    assert set(document["paths"]) == {"/v1/health", "/v1/status", "/v1/requests", "/v1/events"}
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["description"]
    verb = document["components"]["schemas"]["Request"]["properties"]["verb"]
    assert "safe state" in verb["description"]


async def test_the_description_without_an_engine_is_the_served_one(server):
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as raw:
        assert (await raw.get("/openapi.json")).json() == openapi_document()


# -- live events -------------------------------------------------------------------------------


async def test_events_come_as_they_are_made(client, engine):
    last = engine.state().seq
    stream = client.events(after=last - 1)
    assert (await ask(next, stream)).seq == last
    waiting = asyncio.create_task(ask(next, stream))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    made = engine.tell(ev.LabPaused(actor="Ada"))
    assert await waiting == made
    await ask(stream.close)


async def test_events_from_the_start_are_the_whole_journal(client, engine):
    stream = client.events()
    got = [await ask(next, stream) for _ in engine.records]
    assert got == engine.records
    await ask(stream.close)


async def test_a_reconnecting_browser_goes_on_where_it_was(server, engine):
    headers = {
        "Authorization": f"Bearer {server.token}",
        "Last-Event-ID": str(engine.state().seq - 2),
    }
    lines = []
    async with (
        httpx.AsyncClient(base_url=server.url, trust_env=False) as raw,
        raw.stream("GET", "/v1/events", headers=headers) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        async for line in response.aiter_lines():
            lines.append(line)
            if line.startswith(f"id: {engine.state().seq}"):
                break
    assert [line for line in lines if line.startswith("id: ")] == [
        f"id: {engine.state().seq - 1}",
        f"id: {engine.state().seq}",
    ]


async def test_a_negative_number_is_refused(client):
    with pytest.raises(InputError):
        await ask(lambda: next(client.events(after=-1)))


async def test_streams_end_with_the_server(database):
    engine = FakeEngine(f"sqlite:///{database}")
    async with ControlServer(engine) as server:
        client = ControlClient(server.url, server.token)
        stream = client.events(after=engine.state().seq - 1)
        await ask(next, stream)
        rest = asyncio.create_task(ask(list, stream))
        await asyncio.sleep(0.05)
    assert await rest == []
    with pytest.raises(UnavailableError, match="nobody answers") as gone:
        await ask(client.status)
    assert "lab run" in gone.value.hint
    client.close()


# -- the control file --------------------------------------------------------------------------


async def test_the_control_file_is_private_and_goes_with_the_server(database):
    engine = FakeEngine(f"sqlite:///{database}")
    old = os.umask(0)
    try:
        async with ControlServer(engine) as server:
            file = database.with_name("lab #1.db.control.json")
            assert server.file == file
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            content = json.loads(file.read_text())
            assert content == {"url": server.url, "token": server.token, "pid": os.getpid()}
            assert server.url.startswith("http://127.0.0.1:")
    finally:
        os.umask(old)
    assert list(database.parent.iterdir()) == []
    with pytest.raises(UnavailableError, match="nobody answers") as gone:
        ControlClient.find(database)
    assert (
        gone.value.hint
        == "no engine is running for these records; start one with lab run or lab resume"
    )


async def test_tokens_are_never_used_twice(database):
    engine = FakeEngine(f"sqlite:///{database}")
    tokens = set()
    for _ in range(3):
        async with ControlServer(engine) as server:
            tokens.add(server.token)
    assert len(tokens) == 3
    assert min(map(len, tokens)) >= 32


async def test_a_stale_file_is_replaced_and_a_later_engines_file_is_left(database):
    database.with_name("lab #1.db.control.json").write_text("left over")
    engine = FakeEngine(f"sqlite:///{database}")
    async with ControlServer(engine) as first:
        async with ControlServer(engine) as second:
            first._remove_file()
            assert json.loads(first.file.read_text())["token"] == second.token
        assert not first.file.exists()


def test_a_dead_engines_file_is_recognised(database):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    content = {"url": "http://127.0.0.1:9", "token": "t", "pid": dead.pid}
    control_file(database).write_text(json.dumps(content))
    with pytest.raises(UnavailableError, match="is gone without having said good-bye") as gone:
        ControlClient.find(database)
    assert "lab resume" in gone.value.hint


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"url": "x", "token": "y", "pid": "z"}'])
def test_a_damaged_file_is_recognised(database, content):
    control_file(database).write_text(content)
    with pytest.raises(UnavailableError, match="can't be read"):
        ControlClient.find(database)


async def test_a_folder_that_cannot_be_written_stops_the_server(tmp_path):
    (tmp_path / "file").write_text("")
    engine = FakeEngine(f"sqlite:///{tmp_path}/file/lab.db")
    with pytest.raises(UnavailableError, match="can't be written"):
        async with ControlServer(engine):
            pytest.fail("it started")


async def test_signals_stay_with_whoever_had_them(engine):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with ControlServer(engine) as server:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as raw:
            await raw.get("/v1/health")  # it serves: whatever it installs is installed
        after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        assert after == before


async def test_a_proxy_of_the_environment_never_sees_the_token(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with closing(ControlClient(server.url, server.token)) as client:
        assert (await ask(client.status))["mode"] == "running"


def test_where_the_control_file_lies(tmp_path):
    assert str(control_file(".lab/x.db")) == ".lab/x.db.control.json"
    assert str(control_file("sqlite:///.lab/x.db")) == ".lab/x.db.control.json"
    assert str(control_file("sqlite:////var/a%20b.db?x=1")) == "/var/a b.db.control.json"
    named = control_file("postgresql+psycopg://ada:secret@host/lab", tmp_path)
    assert named == control_file("postgresql://host/lab?sslmode=require", tmp_path)
    assert named != control_file("postgresql://host/other", tmp_path)
    assert named.parent == tmp_path
