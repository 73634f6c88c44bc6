"""Types as far as the rules need them: which are sets and dictionaries, and what those hold.

A type is a tuple: ("set", element), ("dict", key, value), ("bag", element) for a dictionary's values or another
sequence in hash order, ("array", element), ("name", text), or UNKNOWN. Optionals count as what they wrap."""

UNKNOWN = ("unknown",)
HASHED = {"set", "dict", "bag"}
INTEGERS = {
    "Int", "Int8", "Int16", "Int32", "Int64", "UInt", "UInt8", "UInt16", "UInt32", "UInt64"}
SPECIFIERS = {"inout", "borrowing", "consuming", "sending", "any", "some", "isolated", "nonisolated", "__owned"}


def is_hashed(kind):
    return kind[0] in HASHED


def element(kind):
    """What a walk over a value of that type yields."""
    if kind[0] in ("set", "bag", "array"):
        return kind[1]
    return UNKNOWN


def subscripted(kind):
    """What a subscript of a value of that type gives."""
    return kind[2] if kind[0] == "dict" else element(kind) if kind[0] == "array" else UNKNOWN


def parse_type(code, pairs, index):
    """The type that begins at a token, and the index behind it."""
    while index < len(code) and (code[index].text in SPECIFIERS or code[index].kind == "attribute"):
        index += 1
    if index >= len(code):
        return UNKNOWN, index
    token = code[index]
    if token.text == "[":
        end = pairs[index]
        first, behind = parse_type(code, pairs, index + 1)
        if behind < end and code[behind].text == ":":
            kind = ("dict", first, parse_type(code, pairs, behind + 1)[0])
        else:
            kind = ("array", first)
        index = end + 1
    elif token.text == "(":
        end = pairs[index]
        inner, behind = parse_type(code, pairs, index + 1)
        kind = inner if behind == end else UNKNOWN
        index = end + 1
    elif token.kind == "name":
        name = token.text
        index += 1
        arguments = []
        while True:
            if index < len(code) and code[index].text == "<":
                arguments, index = generic_arguments(code, pairs, index)
            elif index + 1 < len(code) and code[index].text == "." and code[index + 1].kind == "name":
                if code[index + 1].text in ("Type", "self"):
                    return UNKNOWN, index + 2
                name, arguments = code[index + 1].text, []
                index += 2
            else:
                break
        kind = named(name, arguments)
    else:
        return UNKNOWN, index
    while index < len(code) and code[index].text in ("?", "!"):
        index += 1
    if index < len(code) and code[index].text in ("->", "throws", "async", "&", "..."):
        kind = ("array", kind) if code[index].text == "..." else UNKNOWN
        while index < len(code) and code[index].text in ("->", "throws", "async", "&"):
            _, index = parse_type(code, pairs, index + 1)
        index += index < len(code) and code[index].text == "..."
    return kind, index


def generic_arguments(code, pairs, index):
    """The arguments of a `<...>` that opens at a token, and the index behind it."""
    arguments = []
    index += 1
    while index < len(code) and code[index].text != ">":
        kind, behind = parse_type(code, pairs, index)
        arguments.append(kind)
        index = max(behind, index + 1)
        if index < len(code) and code[index].text == ",":
            index += 1
    return arguments, index + 1


def named(name, arguments):
    first = arguments[0] if arguments else UNKNOWN
    if name == "Set":
        return ("set", first)
    if name == "Dictionary":
        return ("dict", first, arguments[1] if len(arguments) > 1 else UNKNOWN)
    if name in ("Array", "ArraySlice", "ContiguousArray"):
        return ("array", first)
    if name == "Optional":
        return first
    return ("name", name)
