#!/usr/bin/env python3
"""Watches a live run in a browser: the dashboard's page fills and goes on, shows a worker's death, says so when the
aggregator is killed, and goes on by itself after its restart. Exits 0 when all of it was seen.

    watch_page.py PROGRAM FOLDER [PICTURES]

FOLDER holds run.yaml and gets the run. PICTURES gets the page as it looked, light and dark."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import zmq

from chromium import Chromium

program, folder, *pictures = sys.argv[1:]
run = f"{folder}/run"
stranger = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
address = f"http://127.0.0.1:{port}"
processes = []


def start(name, *arguments):
    log = open(f"{folder}/{name}.log", "ab")
    processes.append(subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    return processes[-1]


def aggregate():
    return start(
        "aggregator", program, "aggregate", run, "--config", f"{folder}/run.yaml", "--quiet", "--dashboard",
        f"127.0.0.1:{port}", "--set", "run.updates=0", "--set", "evaluation.interval_seconds=1")


def work(index):
    return start(
        f"worker-{index}", program, "work", "--config", f"{folder}/run.yaml", "--config", f"{run}/endpoints.yaml",
        "--index", str(index), "--workers", "2", "--set", f"worker.outbox={folder}/outbox")


def fetch(path):
    with urllib.request.urlopen(address + path, timeout=10) as answer:
        return answer.read().decode()


def wait_for(path):
    deadline = time.monotonic() + 60
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {path}: " + pathlib.Path(f"{folder}/aggregator.log").read_text())
        time.sleep(0.05)


def send_nonsense():
    """Sends the aggregator what no client would."""
    endpoints = re.search("updates: '(.+)'", pathlib.Path(f"{run}/endpoints.yaml").read_text())
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(endpoints[1])
        push.send(stranger.encode())


def next_frame():
    with urllib.request.urlopen(address + "/events", timeout=10) as events:
        while True:
            line = events.readline().decode()
            if line.startswith("data: "):
                return json.loads(line.removeprefix("data: "))


def photograph(name):
    for scheme in ("light", "dark") if pictures else ():
        browser.picture(f"{pictures[0]}/{name}-{scheme}.png", scheme)


browser = None
try:
    browser = Chromium(f"{folder}/chromium")
    aggregator = aggregate()
    wait_for(f"{run}/endpoints.yaml")
    workers = [work(0), work(1)]
    browser.open(address + "/")

    # The page fills and follows the run.
    browser.wait("document.querySelectorAll('#clients tr').length === 4")
    browser.wait("document.getElementById('status').className === 'running'")
    browser.wait("document.querySelector('#by-updates polyline') && document.querySelector('#by-clock polyline')")
    browser.wait("document.querySelector('#pool polyline') && document.querySelector('#staleness rect')")
    browser.wait("document.querySelectorAll('#log li').length > 5")
    version = browser.value("document.title")
    browser.wait(f"document.title !== {version!r}")
    assert "fashion-mnist" in browser.value("document.getElementById('heading').textContent")

    # What others say is text, whatever it looks like.
    send_nonsense()
    browser.wait("document.querySelector('#log .warning')?.textContent.includes('malformed message dropped')")
    frame = next_frame()
    frame["heading"] = frame["clients"][0]["id"] = frame["lines"][0]["text"] = frame["clients"][1]["state"] = stranger
    shown = browser.value(
        f"show({json.dumps(frame)}), ['#heading', '#clients td', '#log li', '#clients tr:nth-child(2) td:nth-child(2)']"
        ".map((part) => document.querySelector(part).textContent)")
    assert all(text.endswith(stranger) for text in shown), shown
    assert browser.value("document.querySelectorAll('img, main script').length") == 0
    assert browser.value("document.title") != "owned"

    # Prometheus gets the same.
    metrics = fetch("/metrics")
    assert 'impromptu_clients{presence="alive"} 4' in metrics, metrics
    pathlib.Path(f"{folder}/metrics.txt").write_text(metrics)
    assert fetch("/healthz") == "ok\n" and fetch("/readyz") == "ready\n"
    photograph("dashboard")

    # A worker dies: its clients are lost once their lease is over, and come back with it.
    workers[1].send_signal(signal.SIGKILL)
    browser.wait("document.querySelectorAll('#clients tr.lost').length === 2")
    browser.wait("document.getElementById('client-counts').textContent.includes('2 lost')")
    browser.wait("[...document.querySelectorAll('#log li')].some((line) => line.textContent.includes('presence=lost'))")
    assert browser.value("document.querySelector('#clients tr').className") == "lost", "what needs a look comes first"
    photograph("lost")
    workers[1] = work(1)
    browser.wait("document.querySelectorAll('#clients tr.lost').length === 0")

    # The aggregator dies and comes back.
    aggregator.send_signal(signal.SIGKILL)
    aggregator.wait()
    browser.wait("document.getElementById('status').textContent.startsWith('disconnected since ')")
    photograph("disconnected")
    time.sleep(3)
    aggregator = aggregate()
    browser.wait("document.getElementById('status').textContent === 'running, recovered'")
    browser.wait("document.querySelectorAll('#clients tr').length === 4")
    version = browser.value("document.title")
    browser.wait(f"document.title !== {version!r}")

    aggregator.terminate()
    assert aggregator.wait(30) == 0, pathlib.Path(f"{folder}/aggregator.log").read_text()
    assert not browser.complaints, browser.complaints
finally:
    if browser:
        browser.close()
    for process in processes:
        process.kill()
        process.wait()
print("the page showed all of it")
