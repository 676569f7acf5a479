"""aiomqtt's client on a quick path: one read and one write of the socket for many messages, and no task for each of them.

As they come, aiomqtt and paho take three reads of the socket for a message, a write and two changes of the selector for
each that is sent, and a task for each of both. With a hundred samples at once that was two thirds of the engine's time.
Connecting, subscribing, keep-alive and the packets themselves stay theirs.
"""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import aiomqtt

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Any

    import paho.mqtt.client as paho
    from typing_extensions import Buffer

__all__ = ["QuickClient"]

_LOG = logging.getLogger(__name__)

_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
_AT_ONCE = 65_536


class _Buffered(socket.socket):
    """A connected, non-blocking stream socket that reads ahead, and gathers what is sent until `flush`."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._read = bytearray()
        self._unsent = bytearray()

    @classmethod
    def of(cls, plain: socket.socket) -> _Buffered:
        """Takes the place of that socket, which is not to be used any more."""
        timeout = plain.gettimeout()
        taken = cls(plain.family, plain.type, plain.proto, fileno=plain.detach())
        taken.settimeout(timeout)
        return taken

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As a socket's. BlockingIOError where nothing is there; empty at the end.

        Acknowledges at once what it reads, where the system can (Linux): a broker without TCP_NODELAY, as Mosquitto comes,
        sends its next small message only when the last one was acknowledged, and the system would wait 40 ms with that.
        """
        if not self._read:
            found = super().recv(max(bufsize, _AT_ONCE), flags)
            if _QUICKACK is not None:
                # The system leaves this mode by itself, so it is asked for each time.
                with suppress(OSError):  # closed meanwhile
                    self.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            if len(found) <= bufsize:
                return found
            self._read += found
        part = bytes(self._read[:bufsize])
        del self._read[:bufsize]
        return part

    def pending(self) -> int:
        """How many bytes were read and not taken: the selector says nothing of them. Named as for TLS, where aiomqtt asks."""
        return len(self._read)

    def send(self, data: Buffer, flags: int = 0, /) -> int:
        """Takes all; it is on its way with the next `flush`."""
        del flags
        before = len(self._unsent)
        self._unsent += data
        return len(self._unsent) - before

    def flush(self) -> bool:
        """Send what was gathered; False where the system does not take all of it now."""
        if self._unsent:
            try:
                sent = super().send(self._unsent)
            except BlockingIOError:
                return False
            del self._unsent[:sent]
        return not self._unsent

    def close(self) -> None:
        """Sends the last words (MQTT's DISCONNECT) first, as far as that can be done at once."""
        with suppress(OSError):
            self.flush()
        super().close()


class QuickClient(aiomqtt.Client):
    """One connection. `take(topic, payload, retained)` is called for each message as it is read, and must not raise.

    Says when the connection is lost, in the three cases in which the library keeps it to itself.
    """

    def __init__(self, *args: Any, take: Callable[[str, bytes, bool], None], **named: Any) -> None:
        super().__init__(*args, **named)
        self._take = take
        self._unconfirmed: dict[int, asyncio.Future[None]] = {}
        self._thread = threading.get_ident()
        self._write_due = False
        self._waiting = False
        plain = cast("Any", self._client)._create_socket
        cast("Any", self._client)._create_socket = lambda: _Buffered.of(plain())

    @property
    def lost(self) -> asyncio.Future[None]:
        """Done when the connection has ended."""
        return self._disconnected

    def send(
        self, topic: str, payload: bytes, *, qos: int, retain: bool
    ) -> asyncio.Future[None] | None:
        """Hand over a message; done when the broker has confirmed it. None with QoS 0, which nobody confirms.

        MqttError where there is no connection. Where it is lost later, nobody will say: look at `lost`, too.
        """
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc != 0:
            raise aiomqtt.MqttCodeError(info.rc, "could not publish")
        if qos == 0:
            return None
        confirmed: asyncio.Future[None] = self._loop.create_future()
        self._unconfirmed[info.mid] = confirmed
        return confirmed

    async def leave(self) -> None:
        """Disconnect, lost or not."""
        with suppress(aiomqtt.MqttError):
            await self.__aexit__(None, None, None)
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # taken, so that asyncio does not report it as forgotten
        self.give_up()

    def give_up(self) -> None:
        """Nobody will confirm what is not confirmed now; whoever waits gets an MqttError."""
        unconfirmed, self._unconfirmed = self._unconfirmed, {}
        for future in unconfirmed.values():
            if not future.done():
                future.set_exception(aiomqtt.MqttError("the connection was lost"))

    def abandon(self) -> None:
        """Close the socket that a failed attempt left open."""
        self._client.disconnect()

    # -- what paho calls --------------------------------------------------------------------------

    def _on_disconnect(self, *details: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - called by position
        if not self._connected.done():
            # A server that hangs up instead of answering: the library would wait for its time limit.
            self._connected.set_exception(aiomqtt.MqttError("the server hung up"))
        super()._on_disconnect(*details)

    def _on_message(self, client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        del client, userdata
        try:
            topic = message.topic
        except UnicodeDecodeError:
            _LOG.warning("a message was dropped: its topic is no UTF-8")
            return
        self._take(topic, bytes(message.payload), message.retain)

    def _on_publish(self, client: paho.Client, userdata: object, mid: int, *details: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - called by position
        del client, userdata, details
        confirmed = self._unconfirmed.pop(mid, None)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(None)

    def _on_socket_register_write(
        self, client: paho.Client, userdata: object, sock: object
    ) -> None:
        """Something is to be written: all of this turn of the loop at its end."""
        del client, userdata
        if threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(
                self._write, cast("_Buffered", sock)
            )  # connecting, in a thread of its own
        elif not self._write_due:
            self._write_due = True
            self._loop.call_soon(self._write, cast("_Buffered", sock))

    def _on_socket_unregister_write(
        self, client: paho.Client, userdata: object, sock: object
    ) -> None:
        """Nothing: the selector was not asked."""

    def _write(self, sock: _Buffered) -> None:
        self._write_due = False
        # What is written with QoS 0 paho would report with objects made for that, and nobody waits for it.
        self._client.on_publish = None
        self._client.loop_write()
        self._client.on_publish = self._on_publish
        self._flush(sock)

    def _flush(self, sock: _Buffered) -> None:
        if sock.fileno() < 0:
            return  # closed meanwhile
        try:
            done = sock.flush()
        except OSError:
            # Whoever reads is told of it by the same end.
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            done = True
        self._wait_for_room(sock, wait=not done)

    def _wait_for_room(self, sock: _Buffered, *, wait: bool) -> None:
        """Ask the selector to go on when the system takes more, or not to."""
        if wait != self._waiting:
            self._waiting = wait
            if wait:
                self._loop.add_writer(sock.fileno(), self._flush, sock)
            else:
                self._loop.remove_writer(sock.fileno())

    def _on_socket_close(self, client: paho.Client, userdata: object, sock: object) -> None:
        buffered = cast("_Buffered", sock)
        self._wait_for_room(buffered, wait=False)
        super()._on_socket_close(client, userdata, buffered)
