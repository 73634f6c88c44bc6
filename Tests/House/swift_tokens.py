"""The tokens of Swift source: what is code, what is a comment, what is the text of a string.

A token is (kind, text, line). Kinds: `name`, `number`, `string` (one stretch of a string's text between
interpolations), `comment`, `regex`, `attribute` (`@name`), `hash` (`#if`, `#expect`) and `op` (brackets and operators).
The code of an interpolation stands between an op `\\(` and an op `)`. `<` and `>` are always tokens of their own, so
that `Set<Set<Int>>` closes twice. `try!`, `try?`, `as!` and `as?` are one token each, a name."""

import re
from typing import NamedTuple


class Token(NamedTuple):
    kind: str
    text: str
    line: int


class SwiftError(Exception):
    """Source that is not Swift: a string, comment or bracket that does not end."""

    def __init__(self, line, what):
        super().__init__(what)
        self.line = line


TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<line_comment>//[^\n]*)
    | (?P<block_comment>/\*)
    | (?P<string>\#*")
    | (?P<long_regex>\#+/)
    | (?P<name>(?:try|as)[!?]|`[^`\n]+`|[^\W\d]\w*|\$\w+)
    | (?P<number>0x[0-9a-fA-F_]+(?:(?:\.[0-9a-fA-F_]+)?[pP][-+]?[\d_]+)?|0b[01_]+|0o[0-7_]+
        |\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][-+]?\d[\d_]*)?)
    | (?P<attribute>@[^\W\d]\w*(?:\.[^\W\d]\w*)*)
    | (?P<hash>\#[^\W\d]\w*)
    | (?P<op>->|\.\.[.<]|[=!]==?|<=|>=|&&|\|\||\?\?|[-+*/%&|^]=|.)""",
    re.VERBOSE)
BLOCK_COMMENT = re.compile(r"/\*|\*/")
# Words after which an expression begins, so that a `/` there opens a regular expression.
BEFORE_EXPRESSION = {
    "return", "in", "case", "where", "if", "guard", "while", "try", "await", "throw", "else", "let", "var", "is", "as",
    "switch", "for", "repeat", "do", "yield", "try!", "try?", "as!", "as?"}
CLOSERS = {"(": ")", "\\(": ")", "[": "]", "{": "}"}


class Scanner:
    """One pass over a text."""

    def __init__(self, text):
        self.text = text
        self.line = 1
        self.tokens = []

    def add(self, kind, text):
        self.tokens.append(Token(kind, text, self.line))
        self.line += text.count("\n")

    def scan(self, position, in_interpolation=False):
        """Reads tokens until the end, or until the `)` of an interpolation; returns where it stopped."""
        text, match, tokens = self.text, TOKEN.match, self.tokens
        depth = 0
        while position < len(text):
            found = match(text, position)
            kind, piece = found.lastgroup, found.group()
            if kind == "space":
                self.line += piece.count("\n")
            elif kind == "string":
                position = self.string(position, len(piece) - 1)
                continue
            elif kind == "line_comment":
                tokens.append(Token("comment", piece, self.line))
            elif kind == "block_comment":
                position = self.block_comment(position)
                continue
            elif kind == "long_regex":
                position = self.long_regex(position, len(piece) - 1)
                continue
            elif kind == "op":
                if piece in ("/", "/=") and self.expects_operand(position):
                    end = self.regex_end(position)
                    if end:
                        self.add("regex", text[position:end])
                        position = end
                        continue
                if piece == "(":
                    depth += 1
                elif piece == ")":
                    if in_interpolation and depth == 0:
                        tokens.append(Token("op", ")", self.line))
                        return found.end()
                    depth -= 1
                tokens.append(Token("op", piece, self.line))
            else:
                tokens.append(Token(kind, piece, self.line))
            position = found.end()
        if in_interpolation:
            raise SwiftError(self.line, "expected the ) of an interpolation, found the end of the file")
        return position

    def block_comment(self, start):
        depth, position = 0, start
        while True:
            found = BLOCK_COMMENT.search(self.text, position)
            if not found:
                raise SwiftError(self.line, "expected the */ of a comment, found the end of the file")
            depth += 1 if found.group() == "/*" else -1
            position = found.end()
            if depth == 0:
                self.add("comment", self.text[start:position])
                return position

    def string(self, start, hashes):
        """Reads a string whose quote stands behind so many `#`; returns where it ends."""
        text, first_line = self.text, self.line
        position = start + hashes + 1
        is_long = text.startswith('"""', start + hashes) and re.match(r"[ \t]*\r?\n", text[position + 2:position + 200])
        if is_long:
            position += 2
        closing = ('"""' if is_long else '"') + "#" * hashes
        escape = "\\" + "#" * hashes
        stops = re.compile(f"{re.escape(escape)}|{closing}" + ("" if is_long else r"|\n"))
        segment = position
        while True:
            found = stops.search(text, position)
            if not found or found.group() == "\n":
                raise SwiftError(first_line,
                    f"expected the {closing} of a string, found the end of the {'file' if is_long else 'line'}")
            if found.group() == closing:
                self.add("string", text[segment:found.start()])
                return found.end()
            if text.startswith("(", found.end()):
                self.add("string", text[segment:found.start()])
                self.add("op", "\\(")
                segment = position = self.scan(found.end() + 1, in_interpolation=True)
            else:
                position = found.end() + 1

    def long_regex(self, start, hashes):
        end = self.text.find("/" + "#" * hashes, start + hashes + 1)
        if end < 0:
            raise SwiftError(self.line, "expected the end of a regular expression, found the end of the file")
        self.add("regex", self.text[start:end + hashes + 1])
        return end + hashes + 1

    def expects_operand(self, position):
        """Whether an expression can begin here, so that `/` is no division."""
        previous = next((token for token in reversed(self.tokens) if token.kind != "comment"), None)
        if previous is None or not self.text[self.text.rfind("\n", 0, position) + 1:position].strip():
            return True  # First on its line, and a space behind a division there is the house's style.
        if previous.kind == "op":
            if previous.text in ("?", "!"):  # Behind an operand it belongs to it, behind a space it is an operator.
                return self.text[position - 1].isspace()
            return previous.text not in (")", "]", "}")
        return previous.kind in ("name", "hash") and previous.text in BEFORE_EXPRESSION

    def regex_end(self, start):
        """Where the regular expression ends that would begin here; None where none does."""
        text, position, groups, classes = self.text, start + 1, 0, 0
        if text[position:position + 1] in ("", " ", "\t", "\n", "/"):
            return None
        while position < len(text) and text[position] != "\n":
            character = text[position]
            if character == "\\":
                position += 1
            elif character == "/":
                return position + 1
            elif character == "[":
                classes += 1
            elif character == "]":
                classes = max(0, classes - 1)
            elif character == "(" and not classes:
                groups += 1
            elif character == ")" and not classes:
                groups -= 1
                if groups < 0:
                    return None
            position += 1
        return None


def tokenize(text):
    """All tokens of a file. Raises SwiftError."""
    scanner = Scanner(text)
    start = text.find("\n") if text.startswith("#!") else 0
    scanner.scan(max(start, 0))
    return scanner.tokens


def partners(code):
    """For each bracket the index of the one it pairs with, for all else -1. Raises SwiftError."""
    pairs = [-1] * len(code)
    open_brackets = []
    for index, token in enumerate(code):
        if token.kind != "op":
            continue
        if token.text in CLOSERS:
            open_brackets.append(index)
        elif token.text in (")", "]", "}"):
            if not open_brackets or CLOSERS[code[open_brackets[-1]].text] != token.text:
                raise SwiftError(token.line, f"found {token.text} where no such bracket is open")
            pairs[index] = open_brackets.pop()
            pairs[pairs[index]] = index
    if open_brackets:
        token = code[open_brackets[-1]]
        raise SwiftError(token.line, f"expected {CLOSERS[token.text]} for this {token.text}, found the end of the file")
    return pairs
