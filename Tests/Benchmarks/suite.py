#!/usr/bin/env python3
"""Runs all benchmarks of this machine, those beside other programs where these are installed, and how cost grows, and writes
what came out into docs/benchmarks.md, between its marks, with a chart of the growth.

  Tests/Benchmarks/suite.py [--peers PYTHON] [--threads 2] [--only NAME] [--page FILE]        or 'make bench'

PYTHON is an interpreter that has PyTorch 2, NumPy and SciPy; without it the rows of peers say that it is missing. Let nothing
else run: the page says how busy the machine was before."""

import argparse
import datetime
import os
import pathlib
import platform
import subprocess
import sys

import growth
from tables import code_block, markdown

ROOT = pathlib.Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- what 'make bench' wrote last: begin -->", "<!-- what 'make bench' wrote last: end -->"

# Name, title, what runs. The program's own benchmarks print the raw parts beside, in turns.
OWN = [
    ("tuning", "Tuning steps", ["tuning"]),
    ("tuning-bf16", "Tuning steps, products in bfloat16", ["tuning", "--precision", "bfloat16"]),
    ("predictions", "Predictions, products in bfloat16", ["tuning", "--prediction", "--precision", "bfloat16"]),
    ("aggregation", "Flushes", ["aggregation"]),
    ("known", "Flushes with many known clients", ["known"]),
    ("replay", "Reading and replaying a log", ["replay"]),
    ("ingest", "Updates taken in", ["ingest"]),
    ("roundtrip", "A client's round", ["roundtrip"]),
    ("connections", "Connections", ["connections"]),
    ("events", "Events of the core", ["events"]),
    ("hostile", "Hostile clients", ["hostile"]),
    ("flush", "Acknowledgements during a flush", ["flush"]),
]
PEERS = [
    ("peers-tuning", "Tuning beside PyTorch", "tuning_vs_pytorch.py"),
    ("peers-aggregation", "Aggregation beside PyTorch and SciPy", "aggregation_vs_pytorch.py"),
]


def output(command, **options):
    """What a command prints; what it prints to standard error shows at once. Ends the suite when the command fails."""
    print("+", " ".join(map(str, command)), file=sys.stderr, flush=True)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout.rstrip()


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0].strip()
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "-"


def processor():
    fields = dict(
        [part.strip() for part in line.split(":", 1)] for line in open("/proc/cpuinfo") if ":" in line)
    wanted = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    flags = [flag for flag in wanted if flag in fields.get("flags", "").split()]
    return f"{fields.get('model name', platform.machine())}, {os.cpu_count()} cores; {', '.join(flags) or 'no AVX2'}"


def memory():
    kilobytes = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    return f"{kilobytes / 1024 ** 2:.0f} GiB"


def machine(program, peers, busy):
    """Rows: what it ran on."""
    rows = [
        ("date", datetime.date.today().isoformat()),
        ("processor", processor()),
        ("memory", memory()),
        ("kernel", platform.release()),
        ("program", f"{first_line([program, '--version'])}, {first_line(['git', '-C', ROOT, 'rev-parse', '--short', 'HEAD'])}"),
        ("Swift", first_line(["swift", "--version"])),
        ("libzmq", first_line(["pkg-config", "--modversion", "libzmq"])),
    ]
    if peers:
        versions = "import torch, scipy; print('PyTorch', torch.__version__ + ', SciPy', scipy.__version__)"
        rows.append(("peers", first_line([peers, "-c", versions])))
    rows.append(("load before", f"{busy:.2f}"))
    return rows


def parts(options):
    """Runs what is wanted and gives, of each, its section."""
    def wanted(name):
        return not options.only or name in options.only

    for name, title, script in PEERS:
        if not wanted(name):
            continue
        if options.peers:
            printed = output([options.peers, ROOT / "Tests/Benchmarks" / script, "--threads", str(options.threads)], cwd=ROOT)
            yield f"### {title}\n\n{code_block(printed)}"
        else:
            yield f"### {title}\n\nPyTorch is not installed."
    for name, title, arguments in OWN:
        if wanted(name):
            threads = ["--threads", str(options.threads)] if arguments[0] == "tuning" else []
            yield f"### {title}\n\n{code_block(output([options.program, 'bench', *arguments, *threads]))}"
    if wanted("growth"):
        found = growth.measure(lambda arguments: output([options.program, "bench", *arguments]), ROOT)
        picture = options.page.parent / "images" / "growth.svg"
        picture.write_text(growth.chart(found))
        yield (
            "### How cost grows\n\nThe last column is the power of the size that the cost grows with, fitted to all sizes: 1 is a "
            f"straight line.\n\n![Cost by size](images/growth.svg)\n\n{markdown(growth.HEADINGS, growth.rows(found))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / ".build/release/impromptu")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter with PyTorch 2, NumPy and SciPy")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", action="append", metavar="NAME", choices=[row[0] for row in PEERS + OWN] + ["growth"])
    parser.add_argument("--page", type=pathlib.Path, default=ROOT / "docs/benchmarks.md")
    options = parser.parse_args()
    page = options.page.read_text()
    if BEGIN not in page or END not in page:
        return f"{options.page}: expected the lines {BEGIN} and {END}"
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    busy, sections = os.getloadavg()[0], []
    if busy > 0.5:
        print(f"the machine is busy (load {busy:.1f}): only ratios will mean something", file=sys.stderr)
    # Each time all that there is by then: the whole takes long, and may be ended.
    for section in parts(options):
        sections.append(section)
        table = markdown(("", ""), machine(options.program, options.peers, busy))
        content = "\n\n".join([BEGIN, table, *sections, END])
        options.page.write_text(f"{before}{content}{after}")
    print(f"{options.page}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
