"""Which name means what in a target: the types of members, functions, globals, parameters, constants and variables, as
far as a declaration or its first value shows them."""

from typing import NamedTuple

from declarations import TYPES, declarations
from swift_types import UNKNOWN, is_hashed, parse_type

PATTERN_END = {")", ",", "]", "}"}


class Value(NamedTuple):
    """A name whose type follows from an expression: that of its value, or of what a loop over it yields."""

    source: object
    index: int
    is_element: bool = False


class Local(NamedTuple):
    start: int
    end: int
    # A type or a Value.
    meaning: object


class TargetNames:
    """What the files of a target declare outside of functions."""

    def __init__(self, sources):
        self.members, self.functions, self.aliases = {}, {}, {}
        self.loose_members, self.loose_functions = {}, {}
        self.by_path = {}
        for source in sources:
            self.by_path[source.path] = FileNames(source)
            for declaration in self.by_path[source.path].declared:
                self.add(source, declaration)

    def add(self, source, declaration):
        code, pairs = source.code, source.pairs
        owner = declaration.owner.name if declaration.owner else None
        if declaration.kind in ("var", "let"):
            meaning = meaning_of(source, declaration.index + 2)
            self.members.setdefault(owner, {}).setdefault(declaration.name, meaning)
            self.loose_members.setdefault(declaration.name, []).append(meaning)
        elif declaration.kind == "func":
            result = result_type(code, pairs, declaration.index + 2)
            self.functions.setdefault(owner, {}).setdefault(declaration.name, []).append(result)
            self.loose_functions.setdefault(declaration.name, []).append(result)
        elif declaration.kind == "typealias":
            at = declaration.index + 2
            while at < len(code) and code[at].text != "=" and code[at].line == declaration.line:
                at += 1
            self.aliases[declaration.name] = parse_type(code, pairs, at + 1)[0]

    def known(self, kind):
        """A type with aliases replaced, and `Set` and `Dictionary` as extensions name them."""
        for _ in range(8):
            if kind[0] != "name":
                break
            kind = {"Set": ("set", UNKNOWN), "Dictionary": ("dict", UNKNOWN, UNKNOWN)}.get(
                kind[1], self.aliases.get(kind[1], kind))
            if kind[0] == "name" and kind[1] not in self.aliases:
                break
        return kind


class FileNames:
    """What a file declares within functions, and which types its places lie in."""

    def __init__(self, source):
        self.source = source
        self.declared = declarations(source)
        self.types = [item for item in self.declared if item.kind in TYPES | {"extension"}]
        self.own_indices = {item.index for item in self.declared}
        self.locals = {}
        self.loops = set()
        blocks = []
        for index, token in enumerate(source.code):
            if token.text == "{" and token.kind == "op":
                blocks.append(source.pairs[index])
                self.closure(index)
            elif token.text == "}" and token.kind == "op":
                blocks.pop()
            elif token.kind != "name" or index and source.code[index - 1].text == ".":
                continue
            elif token.text in ("let", "var") and index not in self.own_indices:
                self.binding(index, blocks[-1] if blocks else len(source.code))
            elif token.text in ("func", "init", "subscript"):
                self.parameters(index)
            elif token.text == "for" and source.code[index + 1].text != ":":
                self.loop(index)

    def add(self, name, start, end, meaning):
        self.locals.setdefault(name.strip("`"), []).append(Local(start, end, meaning))

    def binding(self, index, end):
        code = self.source.code
        after = code[index + 1]
        if after.text == "(":
            for at in range(index + 2, self.source.pairs[index + 1]):
                if code[at].kind == "name" and code[at + 1].text in (",", ")"):
                    self.add(code[at].text, index, end, UNKNOWN)
        elif after.kind == "name":
            behind = code[index + 2].text
            if behind in (":", "="):
                self.add(after.text, index + 1, end, meaning_of(self.source, index + 2))
            elif behind in PATTERN_END or code[index - 1].text == "case":
                # Taken out of an enumeration's case. `if let x {` and `if let x, ...` mean the x outside.
                if code[index - 1].text in ("(", ",", ":", "case") and not self.is_shorthand(index):
                    self.add(after.text, index, end, UNKNOWN)

    def is_shorthand(self, index):
        """Whether `let x` is a condition of its own, behind a comma: `if a, let x, ...`."""
        return self.source.code[index - 1].text == "," and not self.in_parentheses(index)

    def in_parentheses(self, index):
        pairs, at = self.source.pairs, index - 1
        while at >= 0:
            if pairs[at] > at:
                return self.source.code[at].text == "("
            at = pairs[at] - 1 if pairs[at] >= 0 else at - 1
        return False

    def parameters(self, index):
        code, pairs = self.source.code, self.source.pairs
        at = index + 1
        while at < len(code) and code[at].text not in ("(", "{", "="):
            at += 1
        if at == len(code) or code[at].text != "(":
            return
        end, brace = pairs[at], pairs[at] + 1
        while brace < len(code) and code[brace].text not in ("{", "}") and code[brace].text not in ("func", "var",
            "let", "init"):
            brace = pairs[brace] + 1 if pairs[brace] > brace else brace + 1
        scope = pairs[brace] if brace < len(code) and code[brace].text == "{" else end
        self.typed_names(at, end, scope)

    def typed_names(self, bracket, end, scope):
        code, pairs = self.source.code, self.source.pairs
        at = bracket + 1
        while at < end:
            if code[at].text == ":" and code[at - 1].kind == "name":
                kind, behind = parse_type(code, pairs, at + 1)
                self.add(code[at - 1].text, bracket, scope, kind)
                at = max(behind, at + 1)
            else:
                at = pairs[at] + 1 if pairs[at] > at else at + 1

    def closure(self, brace):
        """The parameters of `{ a, b in`, `{ (a: Int) -> Int in`, `{ [weak self] a in`."""
        code, pairs, end = self.source.code, self.source.pairs, self.source.pairs[brace]
        at = brace + 1
        if code[at].text == "[":
            at = pairs[at] + 1
        names, typed = [], None
        if code[at].text == "(":
            typed = at
            names = [
                code[i].text for i in range(at + 1, pairs[at])
                if code[i].kind == "name" and code[i + 1].text in (",", ")")]
            at = pairs[at] + 1
        else:
            while at < end and code[at].kind == "name" and code[at + 1].text in (",", "in", "throws", "async", "->"):
                names.append(code[at].text)
                at += 2 if code[at + 1].text == "," else 1
        while at < end and code[at].text in ("throws", "async", "->"):
            at = parse_type(code, pairs, at + 1)[1] if code[at].text == "->" else at + 1
        if at < end and code[at].text == "in":
            for name in names:
                self.add(name, brace, end, UNKNOWN)
            if typed is not None:
                self.typed_names(typed, pairs[typed], end)

    def loop(self, index):
        code, pairs = self.source.code, self.source.pairs
        at = index + 1
        names = []
        while at < len(code) and code[at].text != "in":
            if code[at].text == "(":
                names += [code[i].text for i in range(at + 1, pairs[at]) if code[i].kind == "name"]
                at = pairs[at]
            elif code[at].kind == "name" and code[at].text not in ("case", "let", "var", "try", "try?", "try!",
                "await"):
                names.append(code[at].text)
            at += 1
        self.loops.add(at + 1)
        brace = at + 1
        while brace < len(code) and code[brace].text != "{":
            brace = pairs[brace] + 1 if pairs[brace] > brace else brace + 1
        if brace >= len(code):
            return
        is_single = len(names) == 1 and at == index + 2
        for name in names:
            self.add(name, brace, pairs[brace], Value(self.source, at + 1, is_element=True) if is_single else UNKNOWN)

    def local(self, name, index):
        """The innermost declaration of a name that a place sees; None where no function declares it."""
        seen = [local for local in self.locals.get(name, ()) if local.start < index <= local.end]
        return max(seen, key=lambda local: local.start, default=None)

    def owners(self, index):
        """The names of the types around a place, innermost first."""
        return [item.name for item in reversed(self.types) if item.body[0] < index < item.body[1]]


def meaning_of(source, index):
    """What `: Type` or `= value` behind a name says of it."""
    if source.code[index].text == ":":
        return parse_type(source.code, source.pairs, index + 1)[0]
    return Value(source, index + 1) if source.code[index].text == "=" else UNKNOWN


def result_type(code, pairs, index):
    """The type behind the arrow of a function whose name stands before a token."""
    while index < len(code) and code[index].text != "(":
        index += 1
    index = pairs[index] + 1 if index < len(code) else index
    while index < len(code) and code[index].text in ("throws", "rethrows", "async", "("):
        index = pairs[index] + 1 if code[index].text == "(" else index + 1
    if index < len(code) and code[index].text == "->":
        return parse_type(code, pairs, index + 1)[0]
    return UNKNOWN


def loosest(kinds):
    """Of the types that a name has in different places the one that a rule must reckon with."""
    return next((kind for kind in kinds if is_hashed(kind)), next((kind for kind in kinds if kind != UNKNOWN), UNKNOWN))
