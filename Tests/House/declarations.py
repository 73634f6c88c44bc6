"""The declarations of a Swift file: types, extensions, and what they and the file declare. Bodies of functions are left
out."""

from typing import NamedTuple

TYPES = {"struct", "class", "enum", "protocol", "actor"}
KEYWORDS = TYPES | {"extension", "func", "var", "let", "typealias", "associatedtype", "case", "init", "subscript",
    "macro"}
MODIFIERS = {
    "public", "package", "internal", "private", "fileprivate", "open", "static", "final", "mutating", "nonmutating",
    "override", "lazy", "weak", "unowned", "indirect", "nonisolated", "convenience", "required", "dynamic", "optional",
    "prefix", "postfix", "infix", "borrowing", "consuming", "isolated", "class"}


class Declaration(NamedTuple):
    kind: str
    # The name; of an extension the name of its type, without what is before the last dot.
    name: str
    line: int
    # Where its keyword stands among the file's tokens, and where its body's brackets do (-1, -1 without one).
    index: int
    body: tuple
    # The type or extension that it is a member of; None at the file's top.
    owner: object
    is_private: bool


def declarations(source):
    """All of a file, outer before inner."""
    found = []
    collect(source.code, source.pairs, 0, len(source.code), None, found)
    return found


def collect(code, pairs, index, end, owner, found):
    while index < end:
        token = code[index]
        if token.kind == "name" and token.text in KEYWORDS and is_keyword(code, index):
            name, index_of_name = name_behind(code, index)
            body = body_behind(code, pairs, index_of_name, end) if token.text in TYPES | {"extension"} else (-1, -1)
            declaration = Declaration(
                token.text, name, token.line, index, body, owner,
                bool({"private", "fileprivate"} & modifiers(code, pairs, index)))
            found.append(declaration)
            if token.text == "case":
                found += more_cases(code, pairs, index_of_name, end, declaration)
            if body[0] >= 0:
                collect(code, pairs, body[0] + 1, body[1], declaration, found)
                index = body[1] + 1
            else:
                index = max(index, index_of_name) + 1
        elif pairs[index] > index:
            index = pairs[index] + 1
        else:
            index += 1


def is_keyword(code, index):
    if index and code[index - 1].text == "." or index + 1 >= len(code):
        return False
    # `class func`, and `protocol P: class`.
    if code[index].text == "class" and code[index + 1].text in ("func", "var", "subscript", "{", ","):
        return False
    return code[index + 1].text != ":"


def name_behind(code, index):
    """The name that a keyword declares, and where it stands; of `init` and `subscript` the keyword itself."""
    if code[index].text in ("init", "subscript"):
        return code[index].text, index
    at = index + 1
    if code[index].text == "extension":
        if code[at].text == "[":
            return "Array", at
        while at + 2 < len(code) and code[at + 1].text == "." and code[at + 2].kind == "name":
            at += 2
    return code[at].text.strip("`"), at


def body_behind(code, pairs, index, end):
    while index < end:
        if code[index].text == "{":
            return (index, pairs[index])
        index = pairs[index] + 1 if pairs[index] > index else index + 1
    return (-1, -1)


def more_cases(code, pairs, index, end, first):
    """`case a, b(Int), c = 3` declares more than one."""
    found = []
    index += 1
    while index < end:
        if code[index].text == "," and code[index + 1].kind == "name":
            found.append(first._replace(name=code[index + 1].text.strip("`"), line=code[index + 1].line, index=index))
            index += 2
        elif pairs[index] > index:
            index = pairs[index] + 1
        elif code[index].text == "=" or code[index].kind in ("number", "string"):
            index += 1
        else:
            break
    return found


def modifiers(code, pairs, index):
    """The modifiers before a keyword; `private(set)` is none."""
    found = set()
    index -= 1
    while index >= 0:
        token = code[index]
        if token.text == ")" and pairs[index] > 0 and (
                code[pairs[index] - 1].text in MODIFIERS or code[pairs[index] - 1].kind == "attribute"):
            index = pairs[index] - 2
        elif token.kind == "attribute":
            index -= 1
        elif token.text in MODIFIERS:
            found.add(token.text)
            index -= 1
        else:
            break
    return found
