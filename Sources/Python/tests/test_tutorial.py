"""The commands of docs/python.md's first section, as they stand there."""

import os
import pathlib
import re
import subprocess

import pytest
from live import BINARY, needs_binary
from test_wheel import WHEELS

ROOT = pathlib.Path(__file__).resolve().parents[3]

pytestmark = [pytest.mark.live, needs_binary, pytest.mark.skipif(not WHEELS, reason="IMPROMPTU_WHEELS names no folders of wheels")]


def test_the_first_section_runs_as_it_stands(tmp_path):
    section = (ROOT / "docs/python.md").read_text().split("## Try it")[1].split("\n## ")[0]
    commands = "".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    # The package comes from wheels that are at hand.
    links = " ".join(f"--find-links {folder}" for folder in WHEELS.split(":"))
    script, replaced = re.subn(r"pip install --quiet \S+", f"pip install --quiet --no-index {links} impromptu", commands)
    assert replaced == 1
    (tmp_path / "Sources").symlink_to(ROOT / "Sources")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{pathlib.Path(BINARY).parent}:{environment['PATH']}"
    guard = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n"
    done = subprocess.run(
        ["bash", "-c", guard + script], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in re.search(r"```text\n(.*?)```", section, re.DOTALL)[1].splitlines():
        assert re.search("^" + ".*".join(map(re.escape, line.split("…"))) + "$", done.stdout, re.MULTILINE), (line, done.stdout)
