"""No cycle between the folders of a target (Sources/Target/Folder; the files at a target's root are a folder), and none
between targets.

An edge goes from a folder that uses a symbol to the one that declares it. A symbol is what a file declares at its top,
or what an extension adds to a type from another folder or from outside. Uses are found by name, so there are limits:
- a member counts only where nothing else in Sources has its name, and initializers, subscripts and operators do not
  count;
- a name at the top does not count as used where the file declares the same name itself (a parameter, a nested type)."""

from collections import defaultdict
from typing import NamedTuple

from declarations import TYPES, declarations
from graph import cycles
from tree import Finding

DECLARING = TYPES | {"func", "var", "let", "typealias", "associatedtype", "case", "macro", "init", "subscript"}
SHOWN = 4


class Symbol(NamedTuple):
    name: str
    folder: str
    path: str
    line: int


def check(tree):
    declared = {source.path: declarations(source) for source in tree.sources if source.path.startswith("Sources/")}
    names = count_names(declared)
    for target in tree.source_targets():
        sources = tree.of_target(target.name)
        top, members = symbols(sources, declared, names)
        uses = defaultdict(list)
        for source in sources:
            for symbol, line in used(source, declared[source.path], top, members):
                if symbol.folder != source.folder:
                    uses[source.folder, symbol.folder].append((symbol, source.path, line))
        yield from folder_cycles(uses)
    yield from target_cycles(tree)


def count_names(declared):
    counts = defaultdict(int)
    for file in declared.values():
        for declaration in file:
            counts[declaration.name] += declaration.kind != "extension"
    return counts


def symbols(sources, declared, names):
    """Name -> symbols at the top of files, and name -> the symbol that an extension adds."""
    top, members = defaultdict(list), {}
    homes = {}
    for source in sources:
        for declaration in declared[source.path]:
            if declaration.kind in TYPES | {"typealias"}:
                homes.setdefault(declaration.name, source.folder)
    for source in sources:
        for declaration in declared[source.path]:
            if declaration.kind in ("extension", "init", "subscript") or declaration.is_private:
                continue
            symbol = Symbol(declaration.name, source.folder, source.path, declaration.line)
            owner = declaration.owner
            if owner is None:
                top[symbol.name].append(symbol)
            elif owner.kind == "extension" and not owner.is_private and names[symbol.name] == 1 and (
                    homes.get(owner.name) != source.folder):
                members[symbol.name] = symbol
    return top, members


def used(source, declared, top, members):
    """(symbol, line) for each use in a file."""
    code = source.code
    own = {declaration.name for declaration in declared if declaration.kind != "extension"}
    local = locals_of(code)
    for index, token in enumerate(code):
        if token.kind != "name" or index == 0:
            continue
        before, name = code[index - 1].text, token.text.strip("`")
        if before == ".":
            if name in members:
                yield members[name], token.line
        elif name in top and name not in own and not is_label(code, index):
            if name in local and not name[0].isupper() or before in DECLARING:
                continue
            homes = top[name]
            if all(symbol.folder != source.folder for symbol in homes):
                for symbol in homes:
                    yield symbol, token.line


def locals_of(code):
    """Names that a file declares anywhere: constants, variables, parameters."""
    found = set()
    for index in range(len(code) - 1):
        token, after = code[index], code[index + 1]
        if token.text in ("let", "var", "func", "case", "for", "inout") and after.kind == "name":
            found.add(after.text)
        elif token.kind == "name" and after.text == ":" and index and code[index - 1].text in ("(", ",", "_"):
            found.add(token.text)
        elif token.kind == "name" and after.kind == "name" and index + 2 < len(code) and code[index + 2].text == ":":
            found.add(after.text)
    return found


def is_label(code, index):
    return index + 1 < len(code) and code[index + 1].text == ":" and code[index - 1].text in ("(", ",")


def folder_cycles(uses):
    weights = {edge: len({symbol for symbol, _, _ in ties}) for edge, ties in uses.items()}
    for cycle, lightest in cycles(weights):
        ties = uses[lightest]
        steps = "".join(
            f"\n    {start} uses of {end}: {described(uses[start, end])}" for start, end in zip(cycle, cycle[1:]))
        _, path, line = min(ties, key=lambda tie: (tie[1], tie[2]))
        yield Finding(
            path, line,
            f"folders in a cycle, {' -> '.join(cycle)}; {lightest[0]} -> {lightest[1]} has the fewest ties{steps}")


def described(ties):
    first = {}
    for symbol, path, line in ties:
        first.setdefault(symbol.name, f"{symbol.name} ({path.rsplit('/', 1)[-1]}:{line})")
    shown = sorted(first.values())[:SHOWN]
    more = len(first) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def target_cycles(tree):
    weights = {}
    for target in tree.targets.values():
        for dependency in target.dependencies:
            if dependency in tree.targets:
                weights[target.name, dependency] = 1
    for cycle, (start, _) in cycles(weights):
        yield Finding("Package.swift", tree.targets[start].line, f"targets in a cycle: {' -> '.join(cycle)}")
