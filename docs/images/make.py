#!/usr/bin/env python3
"""Makes the README's pictures again: runs the demo with its dashboard, and photographs the page while the run continues, then
the report of the run beside synchronous rounds, and the ten predictions. What the demo prints has the README's figures.

    docs/images/make.py PROGRAM        or 'make pictures'; needs chromium
"""

import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Tests/Interop"))
from chromium import Chromium  # noqa: E402

WIDTH = 1200
# By then there is something to see, and half of the run is still to come.
SECONDS_OF_THE_RUN = 15


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def photograph(browser, name, height):
    browser.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=height, deviceScaleFactor=1, mobile=False)
    for scheme in ("light", "dark"):
        browser.picture(HERE / f"{name}-{scheme}.png", scheme)


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/demo"
        address = free_address()
        demo = subprocess.Popen(
            [pathlib.Path(program).resolve(), "demo", "demo", "--dashboard", address], cwd=folder, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        browser = Chromium(f"{folder}/chromium")
        browser.call("Emulation.setScrollbarsHidden", hidden=True)
        try:
            for line in demo.stdout:
                print(line, end="", flush=True)
                if " updates 0 " not in line and " updates " in line:
                    break
            browser.open(f"http://{address}/")
            time.sleep(SECONDS_OF_THE_RUN)
            browser.wait("document.querySelector('#by-clock polyline')")
            photograph(browser, "dashboard", 1180)
            for line in demo.stdout:
                print(line, end="", flush=True)
            if demo.wait() != 0:
                return demo.returncode
            browser.open(f"file://{run}/report.html")
            browser.wait("document.querySelector('svg')")
            photograph(browser, "report", 1060)
            browser.open(f"file://{run}/predictions.html")
            browser.wait("document.images.length == 10")
            photograph(browser, "predictions", 640)
            shutil.copy(f"{run}/report.svg", HERE / "demo.svg")
        finally:
            browser.close()
            demo.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
