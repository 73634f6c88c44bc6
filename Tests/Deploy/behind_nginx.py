#!/usr/bin/env python3
"""Serves an aggregator's page through nginx by the example in Deploy/nginx: the page and what it loads, its stream of
events without delay, probes and metrics; an aggregator that does not know the proxy's name refuses it.

Usage: behind_nginx.py PROGRAM NGINX
"""

import contextlib
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "House"))
from steps import Failure, expect  # noqa: E402

EXAMPLE = pathlib.Path(__file__).resolve().parent.parent.parent / "Deploy/nginx/impromptu.conf"
HOST = "watch.example"
RUN = "{run: {updates: 5}, data: {dataset: fashion-mnist}, prompts: {pool: 6}, evaluation: {interval_seconds: 0}}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configuration(folder, port, upstream):
    """The example between what an nginx without privileges needs; its two ports are free ones."""
    site = EXAMPLE.read_text().replace("listen 80;", f"listen 127.0.0.1:{port};").replace(":5603", f":{upstream}")
    paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    return (f"daemon off; pid {folder}/pid; worker_processes 1; events {{}}\n"
            f"http {{ access_log off; {paths}\n{site} }}\n")


class Site:
    def __init__(self, program, nginx, folder):
        self.program, self.folder = program, folder
        self.port, self.upstream = free_port(), free_port()
        (folder / "run.yaml").write_text(RUN)
        (folder / "nginx.conf").write_text(configuration(folder, self.port, self.upstream))
        self.nginx = self.start(nginx, "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf")
        self.aggregator = None

    def start(self, *arguments):
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen(list(map(str, arguments)), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def aggregate(self, *options):
        self.stop(self.aggregator)
        self.aggregator = self.start(
            self.program, "aggregate", "run", "--config", "run.yaml", "--quiet", "--dashboard",
            f"127.0.0.1:{self.upstream}", "--set", "endpoints.updates=tcp://127.0.0.1:*", "--set",
            "endpoints.prompts=tcp://127.0.0.1:*", *options)
        deadline = time.monotonic() + 30
        while self.ask("/readyz").status != 200:
            if time.monotonic() > deadline or self.aggregator.poll() is not None:
                raise Failure("the aggregator does not become ready: " + (self.folder / "log").read_text()[-1500:])
            time.sleep(0.1)

    def ask(self, path, method="GET", host=HOST):
        deadline = time.monotonic() + 10
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                connection.request(method, path, headers={"Host": host})
                return connection.getresponse()
            except ConnectionRefusedError:
                if time.monotonic() > deadline or self.nginx.poll() is not None:
                    raise Failure("nginx does not answer: " + (self.folder / "log").read_text()[-1500:]) from None
                time.sleep(0.05)

    def stop(self, process):
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait(20)

    def end(self):
        self.stop(self.aggregator)
        self.stop(self.nginx)


def events(answer, count):
    """The data of so many events."""
    found = []
    while len(found) < count:
        line = answer.readline()
        if not line:
            raise Failure(f"the stream ended after {len(found)} events")
        if line.startswith(b"data: "):
            found.append(json.loads(line.removeprefix(b"data: ")))
    return found


def go_through(site):
    site.aggregate("--dashboard-host", HOST)
    page = site.ask("/")
    text = page.read().decode()
    expect(page.status == 200 and "<title>" in text, "the page comes through")
    for path in re.findall(r'(?:src|href)="([^"#:]+)"', text):
        expect(site.ask("/" + path.lstrip("/")).status == 200, f"so does {path}, which it loads")
    head = site.ask("/", "HEAD")
    expect(head.status == 200 and head.read() == b"", "HEAD is answered")
    stream = site.ask("/events")
    expect("text/event-stream" in stream.getheader("Content-Type", ""), "the events are a stream")
    started = time.monotonic()
    expect(len(events(stream, 3)) == 3, "events come one by one, while the stream stays open")
    if time.monotonic() - started > 30:
        raise Failure("three events took more than half a minute: nginx held them back")
    expect(site.ask("/healthz").status == 200 and site.ask("/readyz").status == 200, "the probes are answered")
    expect("impromptu_version" in site.ask("/metrics").read().decode(), "the metrics come through")

    site.aggregate()
    expect(site.ask("/").status in range(400, 500), "without --dashboard-host the name is refused")
    expect(site.ask("/healthz").status == 200, "probes are answered under any name")


def main():
    program, nginx = (pathlib.Path(path).resolve() for path in sys.argv[1:])
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site = Site(program, nginx, folder)
        stack.callback(site.end)
        try:
            go_through(site)
        except Failure as failure:
            print(f"behind_nginx: {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
