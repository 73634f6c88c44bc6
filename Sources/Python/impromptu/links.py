"""A client's two sockets. Used on one thread."""

from __future__ import annotations

import zmq
from zmq.utils.monitor import recv_monitor_message

from .endpoints import Endpoints
from .errors import ConfigurationError
from .keys import Keys
from .wire import MESSAGE_BYTES

_NOBODY = "nobody answers: is the aggregator started, is this its address, does a firewall let the port through?"
_SILENT = "the connection is taken, but nobody speaks on it: is this the aggregator's port?"
# Whether the other side's greeting is read before it hangs up is chance, so the words fit one-sided keys too.
_BROKEN = (
    "the connection is broken off: are updates and prompts swapped, is the aggregator's public key another, or has only"
    " one side keys?"
)
_ONE_SIDED = "only one side has keys"
_UNKNOWN = "the aggregator does not know this client's key"
TALKS = "connected"


class Reach:
    """How far the connection of a socket has come, as its monitor's events say."""

    def __init__(self, socket: zmq.Socket[bytes], endpoint: str) -> None:
        self.endpoint = endpoint
        self.words = _NOBODY
        self.monitor = socket.get_monitor_socket()

    def follow(self) -> None:
        """Takes in what has happened."""
        while self.monitor.poll(0):
            event = recv_monitor_message(self.monitor)
            kind = event["event"]
            if kind == zmq.EVENT_CONNECTED:
                self.words = _SILENT
            elif kind == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.words = TALKS
            elif kind == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                self.words = _UNKNOWN
            elif kind == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                mismatch = event["value"] == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
                self.words = _ONE_SIDED if mismatch else _BROKEN
            elif kind == zmq.EVENT_DISCONNECTED:
                self.words = {_SILENT: _BROKEN, TALKS: _NOBODY}.get(self.words, self.words)

    @property
    def is_refused(self) -> bool:
        """Whether the other side is there and ZeroMQ may have given it up."""
        return self.words in (_BROKEN, _ONE_SIDED, _UNKNOWN)


class Links:
    """PUSH to the aggregator and SUB from it.

    A machine that vanishes closes nothing, so a silent connection is probed and made again, and the aggregator's name
    looked up again with it.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints, keys: Keys | None, client: str):
        self.endpoints = endpoints
        self.push: zmq.Socket[bytes] = context.socket(zmq.PUSH)
        self.subscriber: zmq.Socket[bytes] = context.socket(zmq.SUB)
        for socket in (self.push, self.subscriber):
            self._prepare(socket, keys)
        # What cannot be sent now is not queued: the exchange sends again what still matters then.
        self.push.setsockopt(zmq.IMMEDIATE, 1)
        self.subscriber.subscribe(b"g")
        self.subscriber.subscribe(f"c/{client}/".encode())
        self.reaches = (Reach(self.push, endpoints.updates), Reach(self.subscriber, endpoints.prompts))
        for socket, endpoint in ((self.push, endpoints.updates), (self.subscriber, endpoints.prompts)):
            try:
                socket.connect(endpoint)
            except zmq.ZMQError as error:
                raise ConfigurationError(f"{endpoint}: expected an address to connect to: {error.strerror}") from error

    @staticmethod
    def _prepare(socket: zmq.Socket[bytes], keys: Keys | None) -> None:
        options = {
            zmq.LINGER: 0,
            zmq.RECONNECT_IVL_MAX: 2_000,
            zmq.CONNECT_TIMEOUT: 5_000,
            zmq.TCP_KEEPALIVE: 1,
            zmq.TCP_KEEPALIVE_IDLE: 5,
            zmq.TCP_KEEPALIVE_INTVL: 5,
            zmq.TCP_KEEPALIVE_CNT: 2,
            zmq.TCP_MAXRT: 15_000,
            zmq.MAXMSGSIZE: MESSAGE_BYTES,
            zmq.IPV6: 1,
        }
        for option, value in options.items():
            socket.setsockopt(option, value)
        if keys is not None:
            assert keys.aggregator is not None
            socket.curve_publickey = keys.public.encode()
            socket.curve_secretkey = keys.secret.encode()
            socket.curve_serverkey = keys.aggregator.encode()

    def send(self, message: bytes) -> None:
        """Sends a message, or drops it where nobody takes it at the moment."""
        try:
            self.push.send(message, zmq.DONTWAIT)
        except zmq.Again:
            pass

    def received(self) -> list[bytes]:
        """The payloads that have arrived. A message with another number of frames is dropped."""
        payloads: list[bytes] = []
        while len(payloads) < 64:
            try:
                frames = self.subscriber.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                break
            if len(frames) == 2:
                payloads.append(frames[1])
        return payloads

    def follow(self) -> None:
        """Takes in what has happened to the connections."""
        for reach in self.reaches:
            reach.follow()

    @property
    def arrives(self) -> bool:
        """Whether what is sent has somebody who takes it."""
        return self.reaches[0].words == TALKS

    @property
    def is_refused(self) -> bool:
        """Whether the connections have to be made again to be tried again."""
        return any(reach.is_refused for reach in self.reaches)

    @property
    def trouble(self) -> str:
        """What it tries to reach, and how far that has come."""
        return "; ".join(f"{reach.endpoint}: {reach.words}" for reach in self.reaches)

    def close(self, linger: int = 0) -> None:
        """Closes both; `linger` are the milliseconds that what was sent last has to leave."""
        for socket, reach in zip((self.push, self.subscriber), self.reaches):
            socket.disable_monitor()
            reach.monitor.close(0)
            socket.close(linger)
