"""The targets of Package.swift, read off its tokens: names, folders, dependencies. It knows the literal spelling that a
manifest without helpers has (`.target(name: "A", dependencies: ["B", .product(name: "C", package: "d")])`)."""

from typing import NamedTuple

from swift_tokens import SwiftError, partners, tokenize

KINDS = {"target", "executableTarget", "testTarget", "systemLibrary", "macro", "plugin", "binaryTarget"}


class Target(NamedTuple):
    name: str
    kind: str
    folder: str
    # Names of targets of this package and of products of others.
    dependencies: tuple
    line: int


def read_targets(text):
    """Name -> Target. Raises SwiftError where the manifest cannot be read, or holds no target."""
    code = [token for token in tokenize(text) if token.kind != "comment"]
    pairs = partners(code)
    lists = named_lists(code, pairs)
    targets = {}
    for index in range(1, len(code) - 1):
        if code[index].text in KINDS and code[index - 1].text == "." and code[index + 1].text == "(":
            arguments = arguments_of(code, pairs, index + 1)
            # `.target(name:)` within a target's dependencies is one, and gives nothing but a name.
            if "name" not in arguments or within_dependencies(code, pairs, index):
                continue
            name = strings(code, arguments["name"])[0]
            dependencies = entries(code, arguments["dependencies"], lists) if "dependencies" in arguments else ()
            kind = code[index].text
            folder = strings(code, arguments["path"])[0] if "path" in arguments else (
                f"Tests/{name}" if kind == "testTarget" else f"Sources/{name}")
            targets[name] = Target(name, kind, folder, tuple(dependencies), code[index].line)
    return targets


def within_dependencies(code, pairs, index):
    """Whether a call stands in a list that stands in the call of a target."""
    bracket = enclosing(pairs, index)
    call = enclosing(pairs, bracket) if bracket is not None else None
    return call is not None and code[call - 1].text in KINDS


def enclosing(pairs, index):
    """The innermost opening bracket around a token; None at the top."""
    index -= 1
    while index >= 0:
        if pairs[index] >= 0:
            if pairs[index] > index:
                return index
            index = pairs[index]
        index -= 1
    return None


def arguments_of(code, pairs, bracket):
    """Label -> (first, end) of the argument's tokens, for the call whose bracket opens there."""
    arguments, end = {}, pairs[bracket]
    label, start, index = None, bracket + 1, bracket + 1
    while index <= end:
        if index == end or code[index].text == ",":
            if label:
                arguments[label] = (start, index)
            label = None
        elif label is None and code[index].kind == "name" and code[index + 1].text == ":":
            label, start = code[index].text, index + 2
        index = pairs[index] + 1 if index < end and pairs[index] > index else index + 1
    return arguments


def strings(code, part):
    return [code[index].text for index in range(*part) if code[index].kind == "string"]


def entries(code, part, lists):
    """The dependencies that an argument lists, by name. Raises SwiftError for a list that is not in the manifest."""
    found = []
    for index in range(*part):
        token, before, after = code[index], code[index - 1].text, code[index + 1].text
        if token.kind == "string" and not (before == ":" and code[index - 2].text == "package"):
            found.append(token.text)
        elif token.kind == "name" and before != "." and after != ":":
            if token.text not in lists:
                raise SwiftError(token.line, f"expected a list of dependencies or a string, found {token.text}")
            found += lists[token.text]
    return found


def named_lists(code, pairs):
    """Name -> dependencies, for each `let name = [...]` or `let name: Type = [...]` of the manifest."""
    lists = {}
    for index, token in enumerate(code):
        if token.text == "let" and code[index + 1].kind == "name":
            start = index + 2
            while start < len(code) and code[start].text != "=" and code[start].line == token.line:
                start += 1
            if code[start].text == "=" and code[start + 1].text == "[":
                try:
                    lists[code[index + 1].text] = entries(code, (start + 1, pairs[start + 1]), lists)
                except SwiftError:
                    continue  # A list of something else, such as settings.
    return lists
