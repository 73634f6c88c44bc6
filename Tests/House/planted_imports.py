#!/usr/bin/env python3
"""Plants an import for each thing that a target of Package.swift is forbidden, and shows who refuses it.

    Tests/House/planted_imports.py [--compiler]

Tidy has to refuse each: in the source, as a dependency in Package.swift, and as a dependency of a dependency. With
`--compiler`, a scratch package of the same targets and dependencies, one line of Swift in each, is built with the flags
of the Makefile and one planted import for each target at a time. The compiler's check lets through what a target
reaches by way of others, so it has to refuse only what is out of reach; what it leaves to tidy is listed. It takes
about two seconds for each round, and also shows that tidy and Swift read the same targets in Package.swift."""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import planted  # Makes the rules known to Python.
import tidy
from check_imports import SYSTEM, check_manifest, check_source, reached
from tree import Source, Tree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FLAGS = ["--explicit-target-dependency-import-check", "error"]
REFUSED = re.compile(r"error: Target (\w+) imports another target \((\w+)\) in the package without declaring it")


def forbidden(tree):
    """(target, module) for each thing that the table forbids a target, of what there is."""
    targets = tree.source_targets()
    modules = {target.name for target in tree.targets.values() if target.folder.startswith("Sources/")}
    modules |= {dependency for target in targets for dependency in target.dependencies} | SYSTEM
    return [
        (target, module) for target in targets for module in sorted(modules - {target.name})
        if tidy.ROOMS[target.name].forbids(module)]


def left_open_by_tidy(tree, target, module):
    """The ways in which tidy would let a module in; none is as it should be."""
    room, left = tidy.ROOMS[target.name], []
    file = Source(f"{target.folder}/Planted.swift", f"import {module}\n", target.name, target.folder)
    if not any("may not import" in finding.what for finding in check_source(tree, file, tidy.ROOMS)):
        left.append("an import")
    if module not in SYSTEM and not manifest_is_refused(tree, target, target, module, room):
        left.append("a dependency")
    if module in room.never:
        for name in target.dependencies:
            if name in tree.targets and not manifest_is_refused(tree, target, tree.targets[name], module, room):
                left.append(f"a dependency of {name}")
    return left


def manifest_is_refused(tree, target, changed, module, room):
    """Whether tidy refuses a target when another, or itself, has one more dependency."""
    changed = changed._replace(dependencies=(*changed.dependencies, module))
    targets = tree.targets | {changed.name: changed}
    return any(module in finding.what for finding in check_manifest(targets, targets[target.name], room))


def scratch_package(tree, folder):
    """Writes a package of the Swift targets in Sources, with one line in each."""
    targets = {target.name: target for target in tree.source_targets() if target.kind == "target"}
    lines = []
    for target in targets.values():
        listed = ", ".join(f'"{name}"' for name in target.dependencies if name in targets)
        lines.append(f'    .target(name: "{target.name}", dependencies: [{listed}], swiftSettings: settings),')
    manifest = (
        "// swift-tools-version: 6.1\nimport PackageDescription\nlet settings: [SwiftSetting] = [\n"
        '    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),\n]\n'
        'let package = Package(name: "scratch", targets: [\n' + "\n".join(lines) + "\n])\n")
    planted.write(folder, {f"Sources/{name}/Room.swift": f"public let room{name} = 1\n" for name in targets}, manifest)
    return targets


def refused_by_compiler(tree, pairs):
    """Those of the pairs whose import Swift refuses; the others it builds."""
    refused = set()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        targets = scratch_package(tree, folder)
        waiting = [(target.name, module) for target, module in pairs if target.name in targets and module in targets]
        smallest = min(targets.values(), key=lambda target: len(target.dependencies)).name
        if build(folder, smallest):
            sys.exit("planted_imports: the scratch package does not build without planted imports")
        while waiting:
            # One for each target: Swift names no more of a target's.
            plants = dict(reversed(waiting))
            waiting = [pair for pair in waiting if plants[pair[0]] != pair[1]]
            for target in targets:
                plant = folder / f"Sources/{target}/Planted.swift"
                plant.write_text(f"import {plants[target]}\n" if target in plants else "")
            refused |= set(REFUSED.findall(build(folder, smallest))) & set(plants.items())
    return refused


def build(folder, target):
    """What a build says when it fails; planning it is what looks at the imports of all targets."""
    done = subprocess.run(["swift", "build", "--target", target, *FLAGS], cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def manifest_differences(tree):
    """Where tidy and Swift read different targets or dependencies in Package.swift."""
    dumped = subprocess.run(["swift", "package", "dump-package"], cwd=ROOT, capture_output=True, text=True, check=True)
    swift = {}
    for target in json.loads(dumped.stdout)["targets"]:
        entries = [next(iter(entry.values())) for entry in target["dependencies"]]
        swift[target["name"]] = sorted(entry[0] for entry in entries)
    # Only in a build for libFuzzer.
    ours = {name: sorted(target.dependencies) for name, target in tree.targets.items() if name != "impromptu-fuzz"}
    return [f"{name}: tidy reads {ours.get(name)}, Swift {swift.get(name)}"
            for name in sorted(ours.keys() | swift.keys()) if ours.get(name) != swift.get(name)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--compiler", action="store_true", help="show also what the compiler refuses")
    arguments = parser.parse_args()
    tree = Tree(ROOT)
    pairs = forbidden(tree)
    failures = [
        f"{target.name} imports {module}: tidy lets in {', '.join(left)}"
        for target, module in pairs if (left := left_open_by_tidy(tree, target, module))]
    print(f"{len(pairs)} forbidden imports of {len({target.name for target, _ in pairs})} targets, each refused by tidy"
          if not failures else f"{len(pairs)} forbidden imports")
    if arguments.compiler:
        failures += manifest_differences(tree)
        swift = {target.name for target in tree.source_targets()}
        refused = refused_by_compiler(tree, pairs)
        for target, module in pairs:
            if module not in swift or target.kind != "target" or tree.targets[module].kind != "target":
                continue
            if (target.name, module) in refused:
                print(f"  refused by the compiler and tidy: {target.name} imports {module}")
            elif module in reached(tree.targets, target.name):
                print(f"  refused by tidy alone, since it is within reach: {target.name} imports {module}")
            else:
                failures.append(f"{target.name} imports {module}: out of reach, and the compiler lets it through")
        if not refused:
            failures.append("the compiler refused no import")
    for failure in failures:
        print(f"planted_imports: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
