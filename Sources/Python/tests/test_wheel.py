"""The wheel in an environment that holds nothing else."""

import os
import subprocess
import sys

import pytest

WHEELS = os.environ.get("IMPROMPTU_WHEELS", "")


@pytest.mark.skipif(not WHEELS, reason="IMPROMPTU_WHEELS names no folders of wheels")
def test_the_wheel_works_in_an_empty_environment(make_aggregator, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    links = [part for folder in WHEELS.split(":") for part in ("--find-links", folder)]
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-index", *links, "impromptu"]
    subprocess.run(install, check=True, env=environment)
    aggregator = make_aggregator(updates_to_finish=2)
    program = (
        "import sys, impromptu\n"
        "for task in impromptu.join(sys.argv[1:3], 'a', samples=1, outbox=sys.argv[3]):\n"
        "    task.send(task.tensors)\n"
        "print(impromptu.__version__, impromptu.__file__)\n"
    )
    arguments = [python, "-c", program, *aggregator.endpoints, str(tmp_path / "outbox")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2.0.0 ") and str(tmp_path) in done.stdout
    assert len(aggregator.ledger.accepted) == 2
