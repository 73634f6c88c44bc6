#!/usr/bin/env python3
"""Checks what the compiler cannot; the rules are in Tests/House, one file each, with what they do not see.

    Tests/tidy.py [--words] [--root FOLDER] [PATH ...]

Prints each finding as file:line: what, and exits 1 if there is one. With paths, prints only what it found below those;
the whole tree is read all the same. `--words` adds warnings about words that the house does without; they do not count
as findings."""

import argparse
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "House"))

import check_folders
import check_imports
import check_leftovers
import check_purity
import check_walks
import check_words
from check_imports import Room
from tree import Tree

# No clock, no randomness of the system, no input or output, no logger, no threads, no walk in hash order.
PURE = frozenset({"PromptAggregation", "Federation"})

SOCKETS = frozenset({"ZeroMQTransport", "CZeroMQ"})
SHOPS = frozenset({"Dashboard", "Lab", "Benchmarks", "ClientCheck", "impromptu"})
MATHEMATICS = frozenset({"Glibc", "Darwin"})


def only(*modules):
    return frozenset(modules)


# What each target is forbidden. Package.swift says what a target depends on; this says what it must never.
ROOMS = {
    "PromptAggregation": Room("it is pure", only=only("CKernels"), system=frozenset()),
    "Federation": Room("it is pure", only=only("PromptAggregation"), system=frozenset()), "PromptWire": Room(
        "it turns messages into bytes and back, without input or output",
        only=only("CPromptWire", "Federation", "PromptAggregation"), system=MATHEMATICS),
    "MessageLog": Room("it is blind to what the messages hold", only=only("CChecksum", "CZlib", "CZstd")),
    "ZeroMQTransport": Room("it moves bytes and knows no messages", only=only("CZeroMQ")),
    "Files": Room("it reads and writes files and knows nothing else of ours", only=only()),
    "Safetensors": Room("it reads and writes tensors and knows nothing of a run", only=only("Files")),
    "Tokenization": Room("it makes tokens of texts and knows no model", only=only("Files")),
    "Datasets": Room(
        "it reads images and texts and knows no run",
        only=only("CPNG", "CTurboJPEG", "CZlib", "Files", "PromptAggregation", "Safetensors", "Text")),
    "PromptTuning": Room(
        "it computes and knows no run",
        only=only("CKernels", "Files", "PromptAggregation", "Safetensors", "Tokenization")),
    "Text": Room("it is text alone", only=only()),
    "Console": Room("it writes lines to the terminal and knows no run", only=only("Text")),
    "Charts": Room("it draws and knows no run", only=only("Text")), "RunSettings": Room(
        "settings are read without a socket, an encoder or a log",
        never=SOCKETS | SHOPS | {
            "MessageLog", "PromptTuning", "PromptWire", "RunLog", "FaultSimulation", "FederationRun",
            "FederationService"}),
    "RunLog": Room(
        "a replay needs nothing but the log",
        never=SOCKETS | SHOPS | {"PromptTuning", "FaultSimulation", "FederationRun", "FederationService"},
        not_itself=frozenset({"Datasets", "CPNG", "CTurboJPEG"})),
    "FaultSimulation": Room(
        "it simulates what the service runs on, and learns by a stub",
        never=SOCKETS | SHOPS | {"PromptTuning", "FederationRun", "FederationService"}),
    "FederationRun": Room(
        "it is what live and virtual time share, and opens no socket",
        never=SOCKETS | SHOPS | {"Charts", "FaultSimulation", "FederationService"}),
    "FederationService": Room(
        "the service ships without planted faults, pictures and reports", never=SHOPS | {"Charts", "FaultSimulation"}),
    "ClientCheck": Room(
        "it plays an aggregator, and ships without planted faults", never=SHOPS | {"Charts", "FaultSimulation"}),
    "Dashboard": Room(
        "it reads only", never=SOCKETS | {"Benchmarks", "FaultSimulation", "FederationService", "Lab", "impromptu"}),
    "Lab": Room("it works on runs that are over, without a socket", never=SOCKETS | {"FederationService", "impromptu"}),
    "Benchmarks": Room("it measures what the service does", never=frozenset({"Dashboard", "Lab", "impromptu"})),
    "impromptu": Room("it is the top"),
}

DOORS = check_leftovers.Doors(
    longest=400,
    generated=frozenset({
        "Sources/CPromptWire/impromptu.pb-c.c", "Sources/CPromptWire/include/impromptu.pb-c.h",
        "Sources/CPromptWire/schema.c", "Sources/Python/impromptu/wire/impromptu_pb2.py",
        "Sources/Python/impromptu/wire/impromptu_pb2.pyi"}),
    standard_error=("Sources/Console/",),
    standard_output=("Sources/Console/",),
    # Pure code and computation; and a serial executor, which has to trap off its thread.
    preconditions=(
        "Sources/PromptAggregation/", "Sources/Federation/", "Sources/PromptTuning/",
        "Sources/ZeroMQTransport/PollLoop.swift"),
)


def findings(root):
    """All of a tree, by file and line."""
    tree = Tree(root)
    found = [*tree.unreadable]
    found += check_imports.check(tree, ROOMS)
    found += check_purity.check(tree, PURE)
    found += check_walks.check(tree, PURE)
    found += check_folders.check(tree)
    found += check_leftovers.check(tree, DOORS)
    return sorted(set(found)), tree


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--words", action="store_true", help="also warn of words that the house does without")
    parser.add_argument(
        "--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent, help="the tree to check")
    parser.add_argument("paths", nargs="*", help="print only what is found below these, from the root")
    arguments = parser.parse_args()
    found, tree = findings(arguments.root)

    def shown(items):
        tops = [path.rstrip("/") + "/" for path in arguments.paths] or [""]
        return [item for item in items if any((item.path + "/").startswith(top) for top in tops)]

    for item in shown(found):
        print(f"{item.path}:{item.line}: {item.what}")
    if arguments.words:
        for item in shown(sorted(set(check_words.check(tree)))):
            print(f"{item.path}:{item.line}: warning: {item.what}")
    count = len(shown(found))
    print(f"tidy: {count} findings" if count else "tidy: nothing found")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
