"""A serial line that can fall silent: a pty before an instrument's own, whose bytes can be held back in both directions."""

from __future__ import annotations

import json
import os
import select
import threading
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.devices.line_url import SerialUrl, parse_line_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["SerialRelay", "serial_relay"]

_LOOK_S = 0.02


class SerialRelay:
    """Runs in a thread of its own. While `silent`, neither end hears the other; what was sent comes afterwards, as an
    instrument that hung takes up what lies in its buffer."""

    def __init__(self, target: str) -> None:
        self.silent = False
        self._far = os.open(target, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._far)
        self._near, slave = os.openpty()
        tty.setraw(slave)
        self._slave = slave  # held open, so that a host that closes its port does not end the line
        self.path = os.ttyname(slave)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        ways = {self._near: self._far, self._far: self._near}
        while not self._over.is_set():
            ready, _, _ = select.select(list(ways), [], [], _LOOK_S)
            for source in ready:
                data = os.read(source, 4096)
                while self.silent and not self._over.wait(_LOOK_S):
                    pass
                os.write(ways[source], data)

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)
        for end in (self._near, self._far, self._slave):
            os.close(end)


@contextmanager
def serial_relay(endpoints: Path, device: str) -> Iterator[tuple[SerialRelay, Path]]:
    """A relay before one device, and an endpoints file that leads through it."""
    content = json.loads(endpoints.read_text())
    url = parse_line_url(content["devices"][device])
    assert isinstance(url, SerialUrl)
    relay = SerialRelay(url.port)
    content["devices"][device] = content["devices"][device].replace(url.port, relay.path)
    through = endpoints.with_name("through_relay.json")
    through.write_text(json.dumps(content))
    try:
        yield relay, through
    finally:
        relay.close()
