"""No walk over a set or dictionary in the pure targets, since its order differs from one process to the next.

Reported: `for ... in`, `map`, `forEach`, `reduce`, `first`, `Array(...)`, interpolation and the like on a value whose
type is Set or Dictionary by its declaration, its first value, or the function that gives it. Not reported: what is
sorted at once (a dictionary by its key), what has no order (`count`, `contains`, `min()`, a new Set), `reduce(0, +)`
over integers, and lines with a comment that says why the order is of no consequence:

    for id in touched { marks[id] = true }  // order-free: each mark is set once and none is read meanwhile

Limits: types come from the declarations of the target itself, by name. The parameter of a closure has no type here, nor
has what generic functions give; a sequence handed to a function that takes any sequence is not followed. Whether equal
elements of a set stay in hash order when it is sorted by a part of them is not looked at.
"""

from expressions import Reader
from scopes import TargetNames
from swift_types import is_hashed
from tree import Finding

MARK = "// order-free:"
FEWEST_WORDS = 3
COLLECTING = {"Array", "ArraySlice", "ContiguousArray", "zip", "AnySequence", "String"}
LABELS = {"contentsOf", "describing", "reflecting"}
KEYWORDS = {
    "return", "in", "if", "guard", "while", "case", "where", "let", "var", "func", "try", "await", "else", "switch",
    "for", "throw", "as", "as?", "as!", "try?", "try!", "is", "repeat", "do", "struct", "enum", "class", "protocol",
    "extension", "import", "typealias"}


def check(tree, pure):
    for name in sorted(pure):
        sources = tree.of_target(name)
        names = TargetNames(sources)
        for source in sources:
            yield from check_file(source, Reader(source, names))


def check_file(source, reader):
    excuses, findings = dict(excused(source)), []
    used = set()
    for line, root_line, what in walks(source, reader):
        places = {line, line - 1, root_line, root_line - 1} & set(excuses)
        used |= places
        if not places:
            findings.append(Finding(
                source.path, line,
                f"{source.target} walks over a set or dictionary: {what} in hash order; sort first, or say"
                f" `{MARK} why` on the line"))
    for line, why in excuses.items():
        if line not in used:
            findings.append(Finding(source.path, line, f"`{MARK}` on a line without a walk over a set or dictionary"))
        elif len(why.split()) < FEWEST_WORDS:
            findings.append(Finding(source.path, line, f"`{MARK}` has to say why the order is of no consequence"))
    yield from sorted(set(findings))


def excused(source):
    for comment in source.comments:
        if comment.text.startswith(MARK):
            yield comment.line, comment.text.removeprefix(MARK)


def walks(source, reader):
    """(line, line where the expression begins, what walks) for each."""
    code, pairs = source.code, source.pairs
    for index, token in enumerate(code):
        if not begins_expression(code, index):
            continue
        kind, behind, found, pending = reader.chain(index)
        for walk in found:
            yield code[walk.index].line, token.line, walk.what
        if pending and not is_set_made(code, index):
            yield code[pending.index].line, token.line, pending.what
        elif is_hashed(kind) and not pending:
            what = consumer(source, reader, index, behind)
            if what:
                yield token.line, token.line, what


def begins_expression(code, index):
    token = code[index]
    before = code[index - 1] if index else None
    if before is not None and before.text == ".":
        return False
    if token.kind == "name":
        return token.text not in KEYWORDS and not (index + 1 < len(code) and code[index + 1].text == ":" and (
            before is not None and before.text in ("(", ",")))
    if token.text not in ("[", "("):
        return False
    # Behind an operand it is a subscript or a call.
    return before is None or not (
        before.kind in ("number", "string") or before.kind == "name" and before.text not in KEYWORDS
        or before.text in (")", "]", "}", "?", "!", ">"))


def is_set_made(code, index):
    """Whether the expression is handed to what makes a set or dictionary of it."""
    before = code[index - 1].text if index > 1 else ""
    if before == ":":
        return code[index - 2].text in ("uniqueKeysWithValues", "minimumCapacity")
    at = index - 2
    if before == "(" and code[at].text == ">":
        while at > 0 and code[at].text != "<":
            at -= 1
        at -= 1
    return before == "(" and code[at].text in ("Set", "union", "subtracting", "intersection", "formUnion", "subtract")


def consumer(source, reader, index, behind):
    """What walks over a set or dictionary that stands at a place; None where nothing does."""
    code, pairs = source.code, source.pairs
    at = index - 1
    while at > 0 and code[at].text in ("try", "try?", "try!", "await"):
        at -= 1
    before = code[at].text if at >= 0 else ""
    after = code[behind].text if behind < len(code) else ""
    if at + 1 in reader.file.loops:
        return "for ... in"
    if before == "\\(":
        return "an interpolation"
    if before in ("+", "+=") or after == "+":
        return "+"
    if before == ":" and code[at - 1].text in LABELS:
        return f"{code[at - 1].text}:"
    opening = at if before == "(" else None
    if before == "," and after == ")":  # The second argument of zip.
        opening = pairs[behind]
    if opening is None:
        return None
    name = code[opening - 1].text
    if name == ">":  # Array<Int>(...)
        name = next((code[i - 1].text for i in range(opening - 1, 0, -1) if code[i].text == "<"), "")
    is_sorted = [token.text for token in code[pairs[opening] + 1:pairs[opening] + 3]] == [".", "sorted"]
    return f"{name}(...)" if name in COLLECTING and not is_sorted else None
