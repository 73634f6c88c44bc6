"""What is left undone or goes past its one door: unfinished work, long files, traps, writes to the standard streams."""

import io
import re
import tokenize
from typing import NamedTuple

from tree import Finding

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
C_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)
C_SUFFIXES = {".c", ".h"}
# What ends the process where it is met.
TRAPS = {"fatalError", "precondition", "preconditionFailure", "assert", "assertionFailure"}
PRINTING = {"print", "debugPrint", "dump", "puts", "putchar", "printf", "vprintf"}
WRITING = {"write", "dprintf", "pwrite", "writev", "vdprintf"}
STREAMS = {"stderr": "error", "stdout": "output", "standardError": "error", "standardOutput": "output"}
DESCRIPTORS = {"STDERR_FILENO": "error", "STDOUT_FILENO": "output", "2": "error", "1": "output"}
HANDLES = {"FileHandle", "FileDescriptor", "StreamLogHandler"}


class Doors(NamedTuple):
    """Where the rules of this file do not hold: paths from the root, of a file or, with a / at the end, of a folder."""

    longest: int
    generated: frozenset
    # The only files that write to standard error, and to standard output.
    standard_error: tuple
    standard_output: tuple
    # Who may state preconditions: where a violated one is a fault of the program itself.
    preconditions: tuple


def check(tree, doors):
    yield from check_root(tree)
    for path in tree.files({".swift", ".c", ".h", ".py"}, "Sources", "Tests"):
        if path not in doors.generated:
            yield from check_length(tree, path, doors.longest)
    for path in tree.files(C_SUFFIXES, "Sources", "Tests"):
        if path not in doors.generated:
            yield from unfinished(path, c_comments((tree.root / path).read_text()))
    for path in tree.files({".py"}, "Tests", "Deploy", "Sources"):
        yield from unfinished(path, python_comments((tree.root / path).read_text()))
    for source in tree.sources:
        yield from unfinished(source.path, ((token.line, token.text) for token in source.comments))
        if source.path.startswith("Sources/"):
            yield from check_traps(source, doors.preconditions)
            yield from check_streams(source, doors)


def check_root(tree):
    """A compiler that is stopped can leave its output where it was started."""
    for path in sorted(tree.root.iterdir()):
        if path.suffix in {".swift", ".c", ".h", ".py"} and path.is_file() and path.name != "Package.swift":
            yield Finding(path.name, 1, "code at the root: expected it below Sources, Tests, Deploy or docs")


def check_length(tree, path, longest):
    count = len((tree.root / path).read_text().splitlines())
    if count > longest:
        yield Finding(path, longest + 1, f"{count} lines, expected at most {longest}")


def unfinished(path, comments):
    for line, text in comments:
        for found in UNFINISHED.finditer(text):
            yield Finding(path, line + text.count("\n", 0, found.start()),
                f"{found[1]}: unfinished work belongs in an issue")


def c_comments(text):
    for found in C_COMMENT.finditer(text):
        if found[0].startswith("/"):
            yield text.count("\n", 0, found.start()) + 1, found[0]


def python_comments(text):
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def check_traps(source, preconditions):
    code = source.code
    may_state = is_within(source.path, preconditions)
    for index, token in enumerate(code):
        after = code[index + 1].text if index + 1 < len(code) else ""
        if token.kind != "name" or is_other_member(code, index):
            continue
        if token.text in ("try!", "as!"):
            yield Finding(source.path, token.line,
                f"{token.text} traps: expected an error that names what came and where")
        elif token.text in TRAPS and after == "(" and code[index - 1].text != "func" and not (
                may_state and token.text != "fatalError"):
            yield Finding(source.path, token.line,
                f"{token.text} traps: expected an error that names what came and where")


def is_other_member(code, index):
    """Whether a name stands behind a dot, and not that of a module."""
    return index > 0 and code[index - 1].text == "." and not (index > 1 and code[index - 2].text in ("Swift", "Glibc",
        "Darwin"))


def is_called(code, index):
    """Whether a function is called by its name, or one that prints handed to another, as in `forEach(print)`."""
    before, after = code[index - 1].text if index else "", code[index + 1].text if index + 1 < len(code) else ""
    is_handed_over = code[index].text in PRINTING and before in ("(", ",", ":") and after in (")", ",")
    return after == "(" and before != "func" or is_handed_over


def check_streams(source, doors):
    for line, stream, seen in stream_writes(source.code):
        allowed = doors.standard_error if stream == "error" else doors.standard_output
        if not is_within(source.path, allowed):
            yield Finding(source.path, line, f"{seen} writes to standard {stream}: only {' and '.join(allowed)} may")


def is_within(path, places):
    return any(path == place or place.endswith("/") and path.startswith(place) for place in places)


def stream_writes(code):
    """(line, "error" or "output", how it is written) for each."""
    for index, token in enumerate(code):
        if token.kind != "name":
            continue
        name, before = token.text, code[index - 1].text if index else ""
        after = code[index + 1].text if index + 1 < len(code) else ""
        if name in ("standardError", "standardOutput"):
            root = code[index - 2] if index > 1 else None
            # `process.standardError = log` is another process's, and a bare name a property.
            if before == "." and root is not None and (
                    root.text in HANDLES or root.kind == "op" and root.text not in (")", "]", "}", "?", "!", ">")):
                yield token.line, STREAMS[name], (root.text if root.kind == "name" else "") + f".{name}"
        elif is_other_member(code, index) or before == "func":
            continue
        elif name in ("stderr", "stdout") and before not in ("let", "var", ".") and after != ":":
            yield token.line, STREAMS[name], name
        elif name in WRITING and after == "(" and code[index + 2].text in DESCRIPTORS and code[index + 3].text == ",":
            yield token.line, DESCRIPTORS[code[index + 2].text], f"{name}({code[index + 2].text}, ...)"
        elif name in PRINTING and is_called(code, index):
            yield token.line, "output", f"{name}(...)" if after == "(" else name
