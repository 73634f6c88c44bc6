#!/usr/bin/env python3
"""Speaks plain TCP through 'impromptu relay' to a server of its own, and checks what a relay owes to both sides.

Usage: relay_bytes.py PROGRAM FOLDER
"""

import pathlib
import re
import resource
import socket
import struct
import subprocess
import sys
import threading
import time

program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
(folder / "up").mkdir(parents=True)
server = socket.create_server(("127.0.0.1", 0), backlog=1000)
server.settimeout(30)


def announce(port):
    place = folder / "up/endpoints.yaml"
    fresh = place.with_suffix(".new")
    fresh.write_text(f"endpoints: {{updates: 'tcp://127.0.0.1:{port}', prompts: 'tcp://localhost:{port}'}}\n")
    fresh.rename(place)


def accept():
    connection = server.accept()[0]
    connection.settimeout(30)
    return connection


def read_all(connection):
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


announce(server.getsockname()[1])
# Few files, so that the relay runs out of them below.
relay = subprocess.Popen(
    [program, "relay", folder / "up", folder / "own", "--bind-updates", "tcp://127.0.0.1:*", "--bind-prompts",
     "tcp://127.0.0.1:*"],
    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
try:
    own = folder / "own/endpoints.yaml"
    while not own.exists():
        assert relay.poll() is None, "the relay has ended"
        time.sleep(0.05)
    ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", own.read_text())]

    def connect(port):
        return socket.create_connection(("127.0.0.1", port), timeout=30)

    # Each side ends what it says on its own, and hears the other out.
    words = bytes(range(256)) * 40_000
    for port in ports:
        near = connect(port)
        far = accept()
        answer = []
        reader = threading.Thread(target=lambda: answer.append(read_all(near)))
        reader.start()
        writer = threading.Thread(target=lambda: (near.sendall(words), near.shutdown(socket.SHUT_WR)))
        writer.start()
        assert read_all(far) == words, "what arrived is not what was sent"
        far.sendall(words[::-1])
        far.shutdown(socket.SHUT_WR)
        writer.join()
        reader.join()
        assert answer[0] == words[::-1], "what came back is not what was sent"
    print("1: 10 MB go through each way, and each end is passed on by itself")

    # A side that does not read holds the other up, and the relay holds next to nothing meanwhile.
    near, far = connect(ports[0]), accept()
    near.settimeout(2)
    before = sent = 0
    try:
        while True:
            sent += near.send(bytes(1 << 20))
    except TimeoutError:
        pass
    resident = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{relay.pid}/status").read_text())[1])
    assert sent < 64 << 20, f"{sent} bytes were taken that nobody reads"
    assert resident < 100 << 10, f"the relay holds {resident} KiB"
    print("2: a side that does not read stops the other")

    # A reset is no orderly end.
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()
    near.settimeout(30)
    try:
        while near.recv(1 << 16):
            pass
        raise AssertionError("a reset came out as an orderly end")
    except (ConnectionResetError, BrokenPipeError):
        print("3: a reset is passed on")

    # More connections than the relay has files for: the others get their turn when some go.
    many = [connect(ports[0]) for _ in range(60)]
    served = [accept() for _ in range(15)]
    for connection in many[:15] + served:
        connection.close()
    assert len([accept() for _ in range(15)]) == 15
    assert relay.poll() is None, "the relay has ended"
    print("4: too many connections wait for their turn")
    print("4 things hold")
finally:
    relay.terminate()
    assert relay.wait(30) == 0, "the relay does not stop in order"
