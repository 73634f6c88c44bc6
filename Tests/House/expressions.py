"""The type of a postfix expression (`a.b[c]?.map { ... }.keys`), and what it does with sets and dictionaries."""

from typing import NamedTuple

from scopes import Value, loosest
from swift_types import INTEGERS, UNKNOWN, element, is_hashed, parse_type, subscripted

# Members that give a set, a dictionary or another sequence in hash order.
KEEPING = {
    "filter", "lazy", "union", "intersection", "subtracting", "symmetricDifference", "merging", "keys", "values",
    "mapValues", "compactMapValues"}
MAPPING = {"map", "flatMap", "compactMap"}
# Members whose result depends on the order.
WALKING = {
    "forEach", "reduce", "first", "prefix", "suffix", "dropFirst", "dropLast", "drop", "enumerated", "makeIterator",
    "randomElement", "popFirst", "removeFirst", "joined", "split", "startIndex", "endIndex", "indices", "index",
    "shuffled",
    "reversed", "elementsEqual", "description", "debugDescription", "starts", "lexicographicallyPrecedes", "hashValue"}
# Those whose result does not, also behind a `map`.
SETTLING = {"count", "isEmpty", "contains", "allSatisfy", "min", "max"}
WITH_CLOSURE = (KEEPING | MAPPING | WALKING | SETTLING | {"sorted"}) - {"lazy", "keys", "values"}
SAME_ARRAY = {"sorted", "filter", "reversed", "prefix", "suffix", "dropFirst", "dropLast", "shuffled"}
ONE_OF_ARRAY = {"first", "last", "popLast", "removeLast", "removeFirst", "randomElement", "min", "max"}
COLLECTIONS = {"Array", "ArraySlice", "ContiguousArray"}
NO_EXPRESSION = {"if", "switch", "do", "in"}


class Walk(NamedTuple):
    index: int
    what: str


class Reader:
    """Reads expressions of one file."""

    def __init__(self, source, names):
        self.source, self.code, self.pairs = source, source.code, source.pairs
        self.names = names
        self.file = names.by_path[source.path]

    def text(self, index):
        return self.code[index].text if index < len(self.code) else ""

    def chain(self, index, busy=frozenset()):
        """(type, index behind, walks on the way, a walk that what is around the expression may still make good)."""
        walks, pending = [], None
        kind, index = self.primary(index, busy)
        while index < len(self.code):
            text = self.text(index)
            if text == "!" or text == "?" and self.text(index + 1) in (".", "["):
                index += 1
            elif text == "." and self.code[index + 1].kind in ("name", "number"):
                kind = self.names.known(kind)
                kind, index, pending = self.member(kind, index + 1, walks, pending, busy)
            elif text == "[" and self.code[index].line == self.code[index - 1].line:
                kind, index = subscripted(self.names.known(kind)), self.pairs[index] + 1
            elif text == "(" and self.code[index].line == self.code[index - 1].line:
                kind, index = UNKNOWN, self.pairs[index] + 1
            else:
                break
        return self.names.known(kind), index, walks, pending

    def value_type(self, index, busy=frozenset()):
        """The type of the value that begins at a token."""
        while self.text(index) in ("try", "try?", "try!", "await", "&", "!"):
            index += 1
        if self.text(index) in NO_EXPRESSION or index >= len(self.code):
            return UNKNOWN
        kind, behind, _, _ = self.chain(index, busy)
        if self.text(behind) in ("as", "as?", "as!"):
            return self.names.known(parse_type(self.code, self.pairs, behind + 1)[0])
        ends = self.text(behind) in ("??", ",", ")", "]", "}", "{", ";", "else", "where",
            "as") or behind >= len(self.code) or (
            self.code[behind].line > self.code[behind - 1].line and self.code[behind].kind != "op")
        return kind if ends or self.code[behind].kind != "op" else UNKNOWN

    def meaning(self, meaning, busy):
        """The type behind a declaration; `busy` holds the values that it is being asked for from."""
        if not isinstance(meaning, Value):
            return self.names.known(meaning)
        key = (meaning.source.path, meaning.index)
        if key in busy:
            return UNKNOWN
        reader = self if meaning.source is self.source else Reader(meaning.source, self.names)
        kind = reader.value_type(meaning.index, busy | {key})
        return self.names.known(element(kind)) if meaning.is_element else kind

    def primary(self, index, busy):
        token = self.code[index]
        if token.text == "[":
            return self.bracket(index)
        if token.text == "(":
            is_one = not any(self.text(at) == "," for at in self.inside(index))
            return (self.value_type(index + 1, busy) if is_one else UNKNOWN), self.pairs[index] + 1
        if token.kind != "name":
            return UNKNOWN, index + 1
        if token.text in ("Set", "Dictionary") or token.text in COLLECTIONS:
            kind, behind = parse_type(self.code, self.pairs, index)
            if self.text(behind) == "(":
                return kind, self.trailing(self.pairs[behind] + 1)
            return UNKNOWN, behind
        if token.text in ("self", "Self"):
            owners = self.file.owners(index)
            return (("name", owners[0]) if owners else UNKNOWN), index + 1
        if self.text(index + 1) == "(":
            return self.called(token.text, index), self.pairs[index + 1] + 1
        return self.named(token.text.strip("`"), index, busy), index + 1

    def bracket(self, index):
        """A literal, or `[Key: Value](...)`."""
        end = self.pairs[index]
        if self.text(end + 1) == "(" and self.code[end + 1].line == self.code[end].line:
            return parse_type(self.code, self.pairs, index)[0], self.pairs[end + 1] + 1
        colons = 0
        for at in self.inside(index):
            if self.text(at) == ":":
                colons += 1
            elif self.text(at) == "?" and self.text(at + 1) != ".":
                colons -= 1
        return (("dict", UNKNOWN, UNKNOWN) if colons > 0 else ("array", UNKNOWN)), end + 1

    def inside(self, bracket):
        """The indices of the tokens between two brackets, without those between further brackets."""
        at = bracket + 1
        while at < self.pairs[bracket]:
            yield at
            at = self.pairs[at] + 1 if self.pairs[at] > at else at + 1

    def called(self, name, index):
        if name[0].isupper():
            return ("name", name)
        for owner in [*self.file.owners(index), None]:
            if name in self.names.functions.get(owner, ()):
                return self.names.known(loosest(self.names.functions[owner][name]))
        return UNKNOWN

    def named(self, name, index, busy):
        local = self.file.local(name, index)
        if local:
            return self.meaning(local.meaning, busy)
        for owner in [*self.file.owners(index), None]:
            if name in self.names.members.get(owner, ()):
                return self.meaning(self.names.members[owner][name], busy)
        return ("name", name) if name[0].isupper() else UNKNOWN

    def member(self, kind, index, walks, pending, busy):
        """What `.name`, its arguments and its closure make of a value: (type, index behind, pending walk)."""
        name = self.code[index].text
        behind = index + 1
        arguments = closure = None
        if self.text(behind) == "(" and self.code[behind].line == self.code[index].line:
            arguments = (behind, self.pairs[behind])
            behind = self.pairs[behind] + 1
        if not is_hashed(kind):
            return self.plain_member(kind, name, behind, arguments, busy)
        if arguments is None and self.text(behind) == "{" and name in WITH_CLOSURE:
            closure = (behind, self.pairs[behind])
            behind = self.pairs[behind] + 1
        if name in KEEPING:
            return self.kept(kind, name), behind, pending
        if name in MAPPING:
            return ("bag", UNKNOWN), behind, pending or Walk(index, f".{name}")
        if name == "sorted":
            by = closure or arguments
            if kind[0] == "dict" and by and not any(self.text(at) in ("key", "0") for at in range(*by)):
                walks.append(Walk(index, ".sorted by something else than the key, which leaves equal ones"))
            return ("array", element(kind)), behind, None
        if name in SETTLING and not (name in ("min",
            "max") and (closure or arguments and arguments[1] > arguments[0] + 1)):
            return UNKNOWN, behind, None
        if name == "reduce" and self.is_integer_sum(kind, arguments):
            return UNKNOWN, behind, None
        if name in WALKING or name in SETTLING:
            walks.append(pending or Walk(index, f".{name}"))
            return UNKNOWN, behind, None
        return UNKNOWN, behind, pending

    def kept(self, kind, name):
        if kind[0] == "dict":
            if name in ("keys", "values"):
                return ("bag", kind[1] if name == "keys" else kind[2])
            if name in ("mapValues", "compactMapValues"):
                return ("dict", kind[1], UNKNOWN)
        return kind

    def is_integer_sum(self, kind, arguments):
        """`.reduce(0, +)` over integers gives the same in any order."""
        if not arguments or element(kind) not in {("name", name) for name in INTEGERS}:
            return False
        texts = [token.text for token in self.code[arguments[0] + 1:arguments[1]]]
        return texts in (["0", ",", "+"], ["0", ",", "&", "+"])

    def plain_member(self, kind, name, behind, arguments, busy):
        """A member of what is neither set nor dictionary."""
        names = self.names
        if kind[0] == "array":
            if self.text(behind) == "{" and not arguments and name in SAME_ARRAY | MAPPING:
                behind = self.pairs[behind] + 1
            result = kind if name in SAME_ARRAY else element(kind) if name in ONE_OF_ARRAY else UNKNOWN
            return result, behind, None
        if kind[0] == "name":
            if arguments and name in names.functions.get(kind[1], ()):
                return loosest([names.known(item) for item in names.functions[kind[1]][name]]), behind, None
            if not arguments and name in names.members.get(kind[1], ()):
                return self.meaning(names.members[kind[1]][name], busy), behind, None
            if kind[1] in names.members or kind[1] in names.functions:
                return UNKNOWN, behind, None
        if arguments:
            return loosest([names.known(item) for item in names.loose_functions.get(name, ())]), behind, None
        return loosest([self.meaning(item, busy) for item in names.loose_members.get(name, ())]), behind, None

    def trailing(self, index):
        """Behind the closure that follows a call, as in `Dictionary(grouping: a) { ... }`."""
        is_closure = self.text(index) == "{" and self.text(index + 1) == "$0"
        return self.pairs[index] + 1 if is_closure and self.code[index].line == self.code[index - 1].line else index
