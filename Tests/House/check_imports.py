"""What a target may import: what Package.swift says that it depends on, and what its room in the table of Tests/tidy.py
does not forbid. The table is held against the imports and against Package.swift's dependencies, so that an edit of
Package.swift alone opens no door."""

from typing import NamedTuple

from tree import Finding

# Modules of the toolchain and the system, which need no dependency.
SYSTEM = {
    "Darwin", "Dispatch", "Foundation", "FoundationEssentials", "FoundationNetworking", "FoundationXML", "Glibc",
    "Musl", "Synchronization"}
TESTING = {"Testing", "XCTest"}
IMPORTED_KINDS = {"struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor"}


class Room(NamedTuple):
    """What a target is forbidden, and why."""

    why: str
    # All that it may depend on; None for whatever is not forbidden below.
    only: object = None
    # What it may not reach, not even through what it depends on.
    never: frozenset = frozenset()
    # What it may not use itself, although something that it depends on may.
    not_itself: frozenset = frozenset()
    # The modules of the system that it may import.
    system: frozenset = frozenset(SYSTEM)

    def forbids(self, module):
        """Whether the target may not import it or depend on it."""
        if module in SYSTEM:
            return module not in self.system
        return module in self.never or module in self.not_itself or self.only is not None and module not in self.only


def imports(source):
    """(module, line, whether it is @testable) for each import of a file."""
    code = source.code
    for index, token in enumerate(code):
        if token.text == "import" and token.kind == "name" and (not index or code[index - 1].text != "."):
            at = index + 1
            if code[at].text in IMPORTED_KINDS and code[at].line == token.line and code[at + 1].kind == "name":
                at += 1
            yield code[at].text, token.line, index > 0 and code[index - 1].text == "@testable"


def check(tree, rooms):
    for target in tree.source_targets():
        room = rooms.get(target.name)
        if room is None:
            yield Finding(
                "Package.swift", target.line,
                f"target {target.name} has no room in Tests/tidy.py: say what it is forbidden")
            continue
        yield from check_manifest(tree.targets, target, room)
    for source in tree.sources:
        yield from check_source(tree, source, rooms)
    yield from check_unused(tree)


def check_manifest(targets, target, room):
    """A target's dependencies, and what it reaches through them. `targets`: name -> Target."""
    for dependency in target.dependencies:
        if room.forbids(dependency):
            yield Finding("Package.swift", target.line, f"{target.name} may not depend on {dependency}: {room.why}")
        elif dependency in targets:
            for module, path in sorted(reached(targets, dependency).items()):
                if module in room.never:
                    way = " -> ".join([target.name, *path])
                    yield Finding(
                        "Package.swift", target.line,
                        f"{target.name} may not reach {module}, and does by {way}: {room.why}")


def reached(targets, start):
    """Module -> the path to it, for all that a target reaches through its dependencies."""
    paths, queue = {start: [start]}, [start]
    for name in queue:
        for dependency in targets[name].dependencies if name in targets else ():
            if dependency not in paths:
                paths[dependency] = [*paths[name], dependency]
                queue.append(dependency)
    del paths[start]
    return paths


def check_source(tree, source, rooms):
    """A file of Sources or Tests. What no target holds is for no compiler, and is reported."""
    if source.target is None:
        yield Finding(source.path, 1, "belongs to no target of Package.swift")
        return
    target = tree.targets[source.target]
    room = rooms.get(target.name)
    is_test = source.path.startswith("Tests/")
    for module, line, testable in imports(source):
        if testable:
            yield Finding(source.path, line, "tests may not use @testable: give the symbol `package` access")
        if module == target.name:
            yield Finding(source.path, line, f"{target.name} imports itself")
        elif room is not None and room.forbids(module):
            yield Finding(source.path, line, f"{target.name} may not import {module}: {room.why}")
        elif module not in target.dependencies and module not in SYSTEM and not (is_test and module in TESTING):
            yield Finding(source.path, line,
                f"{target.name} imports {module}, which Package.swift does not make a dependency")


def check_unused(tree):
    """Dependencies that no file imports. A target of C states what it links, and imports nothing."""
    for target in tree.targets.values():
        sources = tree.of_target(target.name)
        used = {module for source in sources for module, _, _ in imports(source)}
        for dependency in target.dependencies:
            if sources and dependency not in used:
                yield Finding("Package.swift", target.line,
                    f"{target.name} depends on {dependency} and imports it nowhere")
