#!/usr/bin/env python3
"""Runs a test command and passes its output on. Fails where the command fails and where no test ran; with
IMPROMPTU_REQUIRE_ALL=1 also where a test was skipped.

    Tests/House/run_tests.py swift test ...

A skip because the processor lacks AVX-512 is shown and is no failure: the other variants of the kernels are tried on
every machine."""

import os
import re
import subprocess
import sys

SKIPPED = re.compile(r'(?:Test|Suite) (?P<name>.+?) skipped(?:: "(?P<reason>.*)")?')
COUNTED = re.compile(r"Test run with (\d+) tests?")
ALLOWED = ("this processor has no AVX-512",)


def judge(lines):
    """The names and reasons of skips that count, and the number of tests that ran."""
    skips, count = [], 0
    for line in lines:
        if found := SKIPPED.search(line):
            reason = found["reason"] or ""
            if not reason.startswith(ALLOWED):
                skips.append(f"{found['name']}: {reason or 'no reason given'}")
        if found := COUNTED.search(line):
            count += int(found[1])
    return skips, count


def main():
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = []
    for raw in process.stdout:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        lines.append(raw.decode(errors="replace"))
    status = process.wait()
    skips, count = judge(lines)
    if status == 0 and count == 0:
        print("run_tests: expected tests, and none ran", file=sys.stderr)
        status = 1
    if skips and os.environ.get("IMPROMPTU_REQUIRE_ALL") == "1":
        for skip in skips:
            print(f"run_tests: skipped although IMPROMPTU_REQUIRE_ALL=1: {skip}", file=sys.stderr)
        status = status or 1
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
