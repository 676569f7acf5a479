"""The client of the control API, for the command line, the dashboard and scripts. Synchronous.

with ControlClient.find(".lab/electrolyte.db") as client:
    client.request("pause", actor="Ada", reason="refilling the solvent")
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError

from lab.control.document import EngineStatus
from lab.control.port import Answer, Request, Verb
from lab.domain.errors import InputError, LabError, RefusedError, UnavailableError
from lab.domain.event import Recorded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    import httpx
    from pydantic import JsonValue

__all__ = ["ControlClient", "control_file"]

_NOBODY = "no engine is running for these records; start one with lab run or lab resume"
_STATUS: TypeAdapter[EngineStatus] = TypeAdapter(EngineStatus)


def control_file(database: str | Path, directory: Path | None = None) -> Path:
    """Where the engine of these records says how to reach it.

    `<database>.control.json` beside an SQLite file; for a server's database a file named by the hash of its URL
    without user and password, in `directory` (by default `.lab`).
    """
    text = str(database)
    if "://" not in text:
        return Path(f"{text}.control.json")
    scheme, _, rest = text.partition("://")
    if scheme.startswith("sqlite") and rest.strip("/"):
        file = unquote(rest.removeprefix("/").partition("?")[0])
        return Path(f"{file}.control.json")
    place = rest.rpartition("@")[2].partition("?")[0]
    name = hashlib.sha256(place.encode()).hexdigest()[:16]
    return (directory or Path(".lab")) / f"{name}.control.json"


class ControlClient:
    """Asks a running engine. Raises UnavailableError when nobody answers, RefusedError for a wrong token."""

    def __init__(self, url: str, token: str, *, timeout_s: float = 5.0) -> None:
        import httpx  # where nobody is asked, as before a start, nobody waits for it

        # trust_env=False: a proxy from the environment must never see the token.
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout_s,
            trust_env=False,
        )
        self.url = url

    @classmethod
    def find(
        cls, database: str | Path, directory: Path | None = None, *, timeout_s: float = 5.0
    ) -> Self:
        """The client of the engine that works on these records; UnavailableError where none does."""
        path = control_file(database, directory)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            url, token, pid = str(found["url"]), str(found["token"]), int(found["pid"])
        except FileNotFoundError as error:
            raise UnavailableError(f"nobody answers for {database}", hint=_NOBODY) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnavailableError(
                f"the control file {path} can't be read: {error}",
                hint="only the user who started the engine may read it; start the engine again if it is damaged",
            ) from error
        if not _alive(pid):
            raise UnavailableError(
                f"the engine of {database} (process {pid}) is gone without having said good-bye",
                hint=_NOBODY,
            )
        return cls(url, token, timeout_s=timeout_s)

    def status(self) -> EngineStatus:
        """The lab's state as one document of plain values, see `lab.control.document`."""
        return _STATUS.validate_json(self._ask("GET", "/v1/status"))

    def request(
        self,
        verb: Verb,
        actor: str,
        reason: str = "",
        args: Mapping[str, JsonValue] | None = None,
        id: str = "",  # the field's name on the wire
    ) -> Answer:
        """Ask for something; the engine's answer. Give the same `id` again to repeat a request safely."""
        try:
            wish = Request(
                id=id or secrets.token_hex(8),
                verb=verb,
                actor=actor,
                reason=reason,
                args=dict(args or {}),
            )
        except ValidationError as error:
            raise InputError(
                f"the request {verb} is not complete: {_first_problem(error)}",
                hint="say who asks, e.g. --who Ada",
            ) from error
        return Answer.model_validate_json(self._ask("POST", "/v1/requests", wish.model_dump_json()))

    def events(self, after: int = 0) -> Iterator[Recorded]:
        """Records after a number, then each as it is made, until the engine ends."""
        import httpx

        try:
            with self._http.stream(
                "GET", "/v1/events", params={"after": after}, timeout=httpx.Timeout(5.0, read=60.0)
            ) as response:
                if response.status_code != 200:
                    response.read()
                    _raise_for(response)
                for line in response.iter_lines():
                    if line.startswith("data: "):
                        yield Recorded.model_validate_json(line.removeprefix("data: "))
        except httpx.TransportError as error:
            raise self._away(error) from error

    def close(self) -> None:
        """Free the connection. Safe to call twice."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        import httpx

        headers = None if body is None else {"Content-Type": "application/json"}
        try:
            response = self._http.request(method, path, content=body, headers=headers)
        except httpx.TransportError as error:
            raise self._away(error) from error
        _raise_for(response)
        return response.content

    def _away(self, error: httpx.TransportError) -> UnavailableError:
        import httpx

        if isinstance(error, httpx.TimeoutException):
            return UnavailableError(
                f"the engine at {self.url} does not answer in time",
                hint="it may be busy or frozen; ask again (the same request id is safe to repeat)",
            )
        return UnavailableError(f"nobody answers at {self.url}", hint=_NOBODY)


def _first_problem(error: ValidationError) -> str:
    found = error.errors()[0]
    return f"{'.'.join(str(part) for part in found['loc']) or 'args'}: {found['msg']}"


def _raise_for(response: httpx.Response) -> None:
    if response.is_success:
        return
    try:
        detail = str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = response.text[:200]
    match response.status_code:
        case 401 | 403:
            raise RefusedError(f"the engine refuses to talk: {detail}")
        case 422:
            raise InputError(f"the engine does not understand the request: {detail}")
        case code:
            raise LabError(f"the engine failed to answer (HTTP {code}): {detail}")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's process
    return True
