"""The commands of docs/python.md and of the README, as they stand there."""

import os
import pathlib
import re
import subprocess

import pytest
from live import BINARY, needs_binary
from test_wheel import WHEELS

ROOT = pathlib.Path(__file__).resolve().parents[3]

pytestmark = [pytest.mark.live, needs_binary, pytest.mark.skipif(not WHEELS, reason="IMPROMPTU_WHEELS names no folders of wheels")]


def run_section(title, folder, page="docs/python.md"):
    """Runs the commands of a section in a folder with the repository's files, and looks for the lines that it says they print.
    Returns what they print."""
    section = (ROOT / page).read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    commands = "".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    # The package comes from wheels that are at hand.
    links = " ".join(f"--find-links {wheels}" for wheels in WHEELS.split(":"))
    script = re.sub(r"pip install --quiet \S+", f"pip install --quiet --no-index {links} impromptu", commands)
    for part in ("Sources", "docs"):
        (folder / part).symlink_to(ROOT / part)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{pathlib.Path(BINARY).parent}:{environment['PATH']}"
    guard = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n"
    done = subprocess.run(
        ["bash", "-c", guard + script], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in "".join(re.findall(r"```text\n(.*?)```", section, re.DOTALL)).splitlines():
        assert re.search("^" + ".*".join(map(re.escape, line.split("…"))) + "$", done.stdout, re.MULTILINE), (line, done.stdout)
    return done.stdout


def test_the_first_section_runs_as_it_stands(tmp_path):
    run_section("Try it", tmp_path)


def test_the_first_run_of_the_readme_runs_as_it_stands(tmp_path):
    printed = run_section("A first run of your own", tmp_path, page="README.md")
    assert "40 accepted" in printed and "on 5000 test images" in printed
    assert "<svg" in (tmp_path / "runs/first/report.html").read_text()
