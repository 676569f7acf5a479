"""A small client of the Language Server Protocol over stdio, for the server that editors use on YAML files.

The server is looked for in `$LABWRIGHT_YAML_LS` (a command), then in `.cache/yaml-language-server`, where npm puts it once.
Protocol: https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from tests.conftest import missing
from tests.support.cache import CACHE, folder_lock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["LanguageServer", "yaml_language_server"]

_VERSION = "1.25.0"
_ANSWER_S = 60.0
_SETTINGS: dict[str, Any] = {
    "yaml": {
        "validate": True,
        "hover": True,
        "completion": True,
        "schemaStore": {"enable": False},
        "schemas": {},
    }
}


def yaml_language_server() -> str:
    """The command of the server; installed by npm where it is not there. Skips where that can't be done."""
    named = os.environ.get("LABWRIGHT_YAML_LS", "")
    if named:
        return named
    folder = CACHE / "yaml-language-server"
    command = folder / "node_modules" / ".bin" / "yaml-language-server"
    npm = shutil.which("npm")
    if not command.exists():
        if npm is None:
            missing(
                "npm", "install Node.js with npm, or set LABWRIGHT_YAML_LS to the server's path"
            )
        with folder_lock(folder):
            if not command.exists():
                wanted = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund"]
                done = subprocess.run(
                    [*wanted, f"yaml-language-server@{_VERSION}"],
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                if done.returncode != 0 or not command.exists():
                    missing(
                        "yaml-language-server", f"npm could not install it: {done.stderr[-300:]}"
                    )
    return str(command)


class LanguageServer:
    """One server process. Messages that it sends are sorted into answers and diagnostics as they come."""

    def __init__(self, command: str, root: Path) -> None:
        self._process = subprocess.Popen(
            [command, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )  # fmt: skip
        self._number = 0
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._findings: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        features = {
            "textDocument": {
                "publishDiagnostics": {},
                "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                "hover": {"contentFormat": ["markdown"]},
            },
            "workspace": {"configuration": True, "workspaceFolders": True},
        }
        folder = {"uri": root.as_uri(), "name": root.name}
        self.ask(
            "initialize",
            {
                "processId": os.getpid(), "rootUri": root.as_uri(), "capabilities": features,
                "workspaceFolders": [folder],
            },
        )  # fmt: skip
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": _SETTINGS})

    def __enter__(self) -> LanguageServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.ask("shutdown", None)
        self._tell("exit", None)
        self._process.wait(_ANSWER_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._reader.join(_ANSWER_S)

    def open(self, path: Path, text: str) -> list[dict[str, Any]]:
        """Open a file as an editor does (the text counts, not the disk); returns what is found in it."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        while True:
            found = self._findings.get(timeout=_ANSWER_S)
            if found["uri"] == path.as_uri():
                return found["diagnostics"]

    def completion(self, path: Path, line: int, column: int) -> list[str]:
        """What is offered at a place, lines and columns counted from 0."""
        answer = self.ask("textDocument/completion", _at(path, line, column))
        items = answer["items"] if isinstance(answer, dict) else answer
        return [item["label"] for item in items or []]

    def hover(self, path: Path, line: int, column: int) -> str:
        """What is shown at a place, lines and columns counted from 0."""
        answer = self.ask("textDocument/hover", _at(path, line, column))
        contents = (answer or {}).get("contents", "")
        return contents["value"] if isinstance(contents, dict) else str(contents)

    def ask(self, method: str, parameters: object) -> Any:
        """Send a request and wait for its answer."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": parameters})
        while True:
            answer = self._answers.get(timeout=_ANSWER_S)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer.get("result")

    def _tell(self, method: str, parameters: object) -> None:
        self._send({"method": method, "params": parameters})

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            length = 0
            while (header := stream.readline().strip()) != b"":
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            if not length:
                return
            self._sort(json.loads(stream.read(length)))

    def _sort(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method == "textDocument/publishDiagnostics":
            self._findings.put(message["params"])
        elif method == "workspace/configuration":
            sections = [item.get("section", "") for item in message["params"]["items"]]
            self._send(
                {"id": message["id"], "result": [_SETTINGS.get(name, {}) for name in sections]}
            )
        elif method is None:
            self._answers.put(message)
        elif "id" in message:
            self._send({"id": message["id"], "result": None})


def _at(path: Path, line: int, column: int) -> dict[str, Any]:
    return {
        "textDocument": {"uri": path.as_uri()},
        "position": {"line": line, "character": column},
    }
