#!/usr/bin/env python3
"""Checks what the compiler cannot: each target imports only what docs/ARCHITECTURE.md allows, the pure targets have no
clock, randomness or input and output of their own, files stay readable, and nothing half-done is left in the code.
Prints each finding as file:line: what, and exits 1 if there is one."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SYSTEM = {"Foundation", "Glibc", "Darwin", "Synchronization", "Dispatch"}

# Target: (our targets, anything else) that it may import.
ALLOWED = {
    "PromptAggregation": ({"CKernels"}, {"Glibc", "Darwin"}),
    "Federation": ({"PromptAggregation"}, set()),
    "PromptWire": ({"CProtobufC", "CPromptWire", "Federation", "PromptAggregation"}, {"Glibc"}),
    "MessageLog": ({"CChecksum", "CZlib"}, SYSTEM),
    "ZeroMQTransport": ({"CZeroMQ"}, SYSTEM),
    "Safetensors": (set(), SYSTEM),
    "Datasets": ({"CZlib", "PromptAggregation"}, SYSTEM),
    "PromptTuning": ({"CKernels", "PromptAggregation", "Safetensors"}, SYSTEM),
    "FederationRuntime": (
        {"CSodium", "Datasets", "Federation", "MessageLog", "PromptAggregation", "PromptTuning", "PromptWire",
         "Safetensors", "ZeroMQTransport"},
        SYSTEM | {"Logging", "ServiceLifecycle", "Yams"}),
    "Dashboard": (
        {"Federation", "FederationRuntime", "PromptAggregation"},
        SYSTEM | {"CoreMetrics", "FlyingSocks", "Logging"}),
    "impromptu": (
        {"Dashboard", "Federation", "FederationRuntime", "PromptAggregation", "PromptTuning"},
        SYSTEM | {"ArgumentParser", "Logging", "ServiceLifecycle", "UnixSignals"}),
}
C_TARGETS = {"CChecksum", "CKernels", "CPromptWire", "CProtobufC", "CSodium", "CZeroMQ", "CZlib"}
PURE = {"PromptAggregation", "Federation"}
IMPURE = re.compile(
    r"\b(ContinuousClock|SuspendingClock|Date\(|clock_gettime|gettimeofday|SystemRandomNumberGenerator|\.random\(|"
    r"\.shuffled?\(\)|getenv|fopen|open\(|print\(|FileManager|Process)\b")
LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
LONGEST = 420

findings = []


def find(path, number, what):
    findings.append(f"{path.relative_to(ROOT)}:{number}: {what}")


def check(path, target):
    lines = path.read_text().splitlines()
    if len(lines) > LONGEST and ".pb-c." not in path.name and path.name != "schema.c":
        find(path, len(lines), f"{len(lines)} lines; a reader can hold about 400")
    ours, others = ALLOWED.get(target, (set(), set()))
    for number, line in enumerate(lines, 1):
        if LEFT_OVER.search(line):
            find(path, number, "unfinished work belongs in an issue")
        code = line.split("//")[0]
        imported = re.match(r"\s*(?:@\w+ )*(?:public |internal |package )?import (?:\w+ )?(\w+)", code)
        if imported and target in ALLOWED and imported[1] not in ours | others:
            find(path, number, f"{target} may not import {imported[1]}")
        if target in PURE and IMPURE.search(code):
            find(path, number, f"{target} is pure: no clock, randomness or input and output of its own")


targets = {p.name for p in (ROOT / "Sources").iterdir() if p.is_dir()}
for target in sorted(targets - set(ALLOWED) - C_TARGETS):
    find(ROOT / "Sources" / target, 0, "a target that Tests/tidy.py does not know: say what it may import")
for path in sorted((ROOT / "Sources").rglob("*")):
    if path.suffix in {".swift", ".c", ".h"}:
        check(path, path.relative_to(ROOT / "Sources").parts[0])
for path in sorted((ROOT / "Tests").rglob("*.swift")):
    check(path, "")
print("\n".join(findings) if findings else "tidy: nothing to say")
sys.exit(1 if findings else 0)
