"""Hosts on one machine: each a network namespace with a TUN device, and between them a network that this process is. It
delays every packet, loses some, and can be cut. The kernel's own netem would do the same where it is built in; this needs
TUN devices alone."""

import contextlib
import ctypes
import fcntl
import heapq
import itertools
import os
import pathlib
import random
import select
import socket
import struct
import subprocess
import threading
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class NotPossible(Exception):
    """Why this machine lets nobody make such a network."""


def run(*command):
    result = subprocess.run(command, text=True, capture_output=True)
    if result.returncode != 0:
        raise NotPossible(f"{' '.join(command)}: {result.stderr.strip() or result.returncode}")


class Host:
    """A network namespace whose name for another host can be changed (/etc/hosts)."""

    def __init__(self, name, address):
        self.name = name
        self.namespace = f"impromptu-{os.getpid()}-{name}"
        self.hosts = pathlib.Path("/etc/netns", self.namespace, "hosts")
        run("ip", "netns", "add", self.namespace)
        try:
            self.hosts.parent.mkdir(parents=True)
            self.hosts.write_text("127.0.0.1 localhost\n")
            self.tun = self._open_tun()
            self.ip("link", "set", "lo", "up")
            self.ip("link", "set", "net0", "up")
            self.take(address)
        except BaseException:
            self.close()
            raise

    def ip(self, *arguments):
        run("ip", "-n", self.namespace, *arguments)

    def take(self, address):
        self.ip("addr", "flush", "dev", "net0")
        self.ip("addr", "add", f"{address}/24", "dev", "net0")

    def learn(self, name, address):
        """Names that address. The file is written in place: a process that runs has it mounted."""
        self.hosts.write_text(f"127.0.0.1 localhost\n{address} {name}\n")

    def command(self, *arguments):
        return ["ip", "netns", "exec", self.namespace, *arguments]

    def close(self):
        if hasattr(self, "tun"):
            os.close(self.tun)
        subprocess.run(["ip", "netns", "delete", self.namespace], capture_output=True)
        self.hosts.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.hosts.parent.rmdir()
            self.hosts.parent.parent.rmdir()

    def _open_tun(self):
        """A device belongs to the namespace that its maker is in; its descriptor may be used from anywhere."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY)
        try:
            enter(there)
            descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH14x", b"net0", IFF_TUN | IFF_NO_PI))
            return descriptor
        except OSError as error:
            raise NotPossible(f"/dev/net/tun: {error.strerror}") from error
        finally:
            enter(home)
            os.close(home)
            os.close(there)


def enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise NotPossible(f"setns: {os.strerror(ctypes.get_errno())}")


class Network(threading.Thread):
    """Carries packets between hosts until it is stopped."""

    def __init__(self, delay, loss, seed):
        super().__init__(daemon=True)
        self.delay, self.loss = delay, loss
        self.random = random.Random(seed)
        self.hosts = {}
        self.owners = {}
        self.cut = set()
        self.carried = self.lost = self.blocked = 0
        self._due = []
        self._order = itertools.count()
        self._stopped = threading.Event()

    def add(self, name, address):
        self.hosts[name] = Host(name, address)
        self.owners[address] = name
        return self.hosts[name]

    def move(self, name, address):
        """Gives a host another address; what is sent to the former reaches nobody."""
        self.owners = {known: owner for known, owner in self.owners.items() if owner != name}
        self.hosts[name].take(address)
        self.owners[address] = name

    def run(self):
        names = {host.tun: name for name, host in self.hosts.items()}
        while not self._stopped.is_set():
            wait = max(0, min(0.1, self._due[0][0] - time.monotonic())) if self._due else 0.1
            for tun in select.select(list(names), [], [], wait)[0]:
                self._take_in(tun, names[tun])
            while self._due and self._due[0][0] <= time.monotonic():
                self._deliver(*heapq.heappop(self._due)[2:])

    def _take_in(self, tun, sender):
        for _ in range(64):
            try:
                packet = os.read(tun, 65536)
            except BlockingIOError:
                return
            if packet[0] >> 4 != 4:
                continue
            receiver = self.owners.get(socket.inet_ntoa(packet[16:20]))
            if receiver is None:
                continue
            if self.random.random() < self.loss:
                self.lost += 1
                continue
            heapq.heappush(
                self._due, (time.monotonic() + self.delay, next(self._order), packet, sender, receiver))

    def _deliver(self, packet, sender, receiver):
        if sender in self.cut or receiver in self.cut:
            self.blocked += 1
            return
        self.carried += 1
        with contextlib.suppress(OSError):
            os.write(self.hosts[receiver].tun, packet)

    def close(self):
        self._stopped.set()
        if self.is_alive():
            self.join()
        for host in self.hosts.values():
            host.close()
