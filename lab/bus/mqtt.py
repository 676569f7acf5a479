"""The bus over an MQTT broker, by aiomqtt (MQTT 3.1.1, QoS 1, TCP_NODELAY).

Reconnection is ours: after a loss the connection is opened again with growing pauses, every subscription is renewed,
and whoever publishes waits. A message whose receipt was not confirmed is published again, so it may arrive twice.
The session is clean: what was published while we were away is lost, as every user of the bus must expect.

Messages on topics that nobody here asked for are dropped: not every broker keeps to its subscriptions.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

import aiomqtt

from lab.bus.inbox import Inbox, Inboxes
from lab.bus.mqtt_client import QuickClient
from lab.bus.transport import Message
from lab.bus.wildcards import check_topic
from lab.domain.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType
    from typing import Any, Self


__all__ = ["BrokerAddress", "MqttTransport", "parse_broker_url"]

_T = TypeVar("_T")
_LOG = logging.getLogger(__name__)

_NODELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
"""Without it a round trip over loopback takes 88 ms: Nagle's algorithm waits for delayed acknowledgements."""
_KEEPALIVE_S = 10
_CONNECT_S = 5.0
_FIRST_PAUSE_S = 0.1
_LAST_PAUSE_S = 5.0
_REFUSED = 0x80
_IN_A_ROW = 32


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is, and as whom to speak to it. `str()` leaves the password out."""

    host: str
    port: int = 1883
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtt://{self.user + '@' if self.user else ''}{host}:{self.port}"


def parse_broker_url(url: str) -> BrokerAddress:
    """`mqtt://[user[:password]@]host[:port]`; InputError for anything else."""
    hint = "write mqtt://host:1883 or mqtt://user:password@host:1883 (percent-encode special characters)"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise InputError(f"not a broker URL: {error}", hint=hint) from error
    if parts.scheme != "mqtt" or not parts.hostname:
        # The URL may hold a password, so only what is surely none is shown.
        shown = f"{parts.scheme}://..." if parts.scheme else "no scheme"
        raise InputError(f"not a broker URL: {shown}", hint=hint)
    if parts.path not in ("", "/") or parts.query or parts.fragment or port == 0:
        raise InputError(f"not a broker URL: too much after {parts.hostname}", hint=hint)
    return BrokerAddress(
        parts.hostname,
        port or 1883,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


class MqttTransport:
    """A connection to a broker; fulfils `lab.bus.transport.Transport`. Use it as `async with`."""

    def __init__(self, url: str, client_id: str | None = None) -> None:
        """`client_id` must be unique at the broker; None lets the broker choose. InputError for a wrong URL."""
        self.address = parse_broker_url(url)
        self._client_id = client_id
        self._inboxes = Inboxes()
        self._client: QuickClient | None = None
        self._connected = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._attempt: asyncio.Task[QuickClient] | None = None
        self._closed = False
        self._unconfirmed = 0
        """Messages that went without a confirmation (QoS 0)."""

    async def __aenter__(self) -> Self:
        try:
            client = await self._connect()
        except aiomqtt.MqttError as error:
            raise UnavailableError(
                f"no MQTT broker takes the connection at {self.address}: {error}",
                hint="start one (`lab broker`, or Mosquitto), or correct the broker's URL, user and password",
            ) from error
        self._closed = False
        await self._adopt(client)
        self._keeper = asyncio.create_task(self._keep(), name=f"mqtt {self.address}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed = True
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        client = self._client
        if client is None and self._attempt is not None:
            # It connects in a thread, which can't be cancelled; its socket must not be left open.
            await asyncio.wait((self._attempt,), timeout=2 * _CONNECT_S)
            if self._attempt.done() and self._attempt.exception() is None:
                client = self._attempt.result()
        if client is not None:
            await client.leave()
        self._client = None
        self._connected.set()  # whoever waits finds it closed
        for inbox in self._inboxes:
            inbox.end()
        self._inboxes.clear()

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Returns when the broker has confirmed it (QoS 0: when it is on its way); waits while the broker is away."""
        check_topic(topic)
        while True:
            client = await self._wait_for_connection()
            try:
                confirmed = client.send(topic, payload, qos=qos, retain=retain)
                if confirmed is not None:
                    await confirmed
                else:
                    await self._give_way()
            except aiomqtt.MqttError as error:
                await self._wait_for_loss(client, error)
            else:
                return

    async def _give_way(self) -> None:
        """Now and then, so that a publisher in a loop does not starve the readers; what it says meanwhile goes out together."""
        self._unconfirmed += 1
        if self._unconfirmed % _IN_A_ROW == 0:
            await asyncio.sleep(0)

    async def subscribe(self, *patterns: str) -> Inbox:
        """Returns when the broker has confirmed. UnavailableError where it refuses a pattern."""
        inbox = Inbox(patterns, self._release)
        self._inboxes.add(inbox)
        try:
            while True:
                client = await self._wait_for_connection()
                try:
                    await self._ask_for(client, inbox.patterns)
                except aiomqtt.MqttError as error:
                    await self._wait_for_loss(client, error)
                else:
                    return inbox
        except BaseException:
            inbox.end()
            self._inboxes.remove(inbox)
            raise

    # -- the connection -------------------------------------------------------------------------

    async def _connect(self) -> QuickClient:
        client = QuickClient(
            take=self._hand_out,
            max_inflight_messages=0,  # no limit
            hostname=self.address.host,
            port=self.address.port,
            username=self.address.user,
            password=self.address.password,
            identifier=self._client_id,
            keepalive=_KEEPALIVE_S,
            timeout=_CONNECT_S,
            socket_options=_NODELAY,
            logger=_LOG.getChild("client"),
        )
        try:
            await client.__aenter__()
        except aiomqtt.MqttError:
            client.abandon()
            raise
        return client

    async def _adopt(self, client: QuickClient) -> None:
        """Make a connected client ours, with all subscriptions renewed before anyone publishes."""
        self._client = client
        patterns = tuple(dict.fromkeys(p for inbox in self._inboxes for p in inbox.patterns))
        if patterns:
            await self._ask_for(client, patterns)
        self._connected.set()

    async def _keep(self) -> None:
        """Connect again whenever the connection is lost; for ever."""
        while True:
            client = self._client
            if client is not None:
                await asyncio.wait((client.lost,))
                _LOG.warning("%s: connection lost: %s", self.address, client.lost.exception())
                self._connected.clear()
                self._client = None
                await client.leave()
            await self._connect_again()

    def _hand_out(self, topic: str, payload: bytes, retained: bool) -> None:
        for inbox in self._inboxes.takers(topic):
            inbox.deliver(Message(topic, payload, retained=retained))

    async def _connect_again(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            self._attempt = asyncio.create_task(self._connect())
            try:
                client = await asyncio.shield(self._attempt)
                self._attempt = None
                await self._adopt(client)
            except (aiomqtt.MqttError, UnavailableError) as error:
                _LOG.info("%s: still away: %s", self.address, error)
                if self._client is not None:
                    await self._client.leave()
                    self._client = None
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LAST_PAUSE_S)
            else:
                _LOG.info("%s: connected again", self.address)
                return

    async def _wait_for_connection(self) -> QuickClient:
        while True:
            if self._closed or self._keeper is None:
                raise UnavailableError(
                    f"the connection to {self.address} is closed",
                    hint="use `async with transport:`",
                )
            if self._connected.is_set() and self._client is not None:
                return self._client
            await self._connected.wait()

    async def _wait_for_loss(self, client: QuickClient, error: Exception) -> None:
        """After an error the connection is nearly always gone; the pause keeps the rare other case from spinning."""
        _LOG.info("%s: %s; trying again", self.address, error)
        await asyncio.wait((client.lost,), timeout=_FIRST_PAUSE_S)
        if client is self._client:
            await asyncio.sleep(_FIRST_PAUSE_S)  # lost, but the keeper has not noticed yet

    # -- subscriptions --------------------------------------------------------------------------

    async def _ask_for(self, client: QuickClient, patterns: tuple[str, ...]) -> None:
        wanted = [(pattern, 1) for pattern in patterns]
        answer = await _answered(client, client.subscribe(wanted))
        codes = [code if isinstance(code, int) else code.value for code in answer]
        refused = [p for p, code in zip(patterns, codes, strict=False) if code >= _REFUSED]
        if refused:
            raise UnavailableError(
                f"{self.address} refuses a subscription to {', '.join(refused)}",
                hint="allow this user to read these topics in the broker's access list",
            )

    async def _release(self, inbox: Inbox) -> None:
        self._inboxes.remove(inbox)
        others = {pattern for other in self._inboxes for pattern in other.patterns}
        unused = [pattern for pattern in inbox.patterns if pattern not in others]
        client = self._client
        if unused and client is not None and not self._closed:
            # Best effort: what still comes is dropped, and the next connection does not ask for it.
            with suppress(aiomqtt.MqttError):
                await _answered(client, client.unsubscribe(unused))


async def _answered(client: QuickClient, work: Coroutine[Any, Any, _T]) -> _T:
    """Await a call to the broker; MqttError as soon as the connection is lost."""
    call = asyncio.ensure_future(work)
    try:
        await asyncio.wait((call, client.lost), return_when=asyncio.FIRST_COMPLETED)
        if not call.done():
            raise aiomqtt.MqttError("the connection was lost")
        return call.result()
    finally:
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
