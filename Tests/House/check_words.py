"""Words that the house does without, in what people read: strings and comments of Swift, comments of C and Python,
documents; and lines of documents that are too long to read beside another window.

Code between backticks is left out, and in comments and documents what stands in double quotes on one line: a word that is
quoted is not used.
"""

import re

from check_leftovers import C_SUFFIXES, c_comments, python_comments
from tree import Finding

# What to look for -> what to write.
WORDS = [
    # To tell a from b, or both apart, is plain.
    (r"(?:tell(?:s|ing)?|told)\b(?![^.;:]*\b(?:apart|from)\b)", "report, say or show"),
    (r"(?:go|goes|going|went|gone) on(?! to\b)", "continue"),
    (r"of which|of whom", "a shorter sentence, or two"),
    (r"anew", "again"),
    (r"(?<!in )(?<!take )(?<!takes )(?<!last )places?(?! of\b)", "index, position, path or line: what it is"),
    (r"whence|thereby|therein|thereof|hereby|wherein|whereupon|nought|behoves?|albeit", "a plain word"),
    (r"nor (?:is|has|does|do|can|are|was)", "and ... not"),
]
PATTERN = re.compile("|".join(rf"(?P<w{index}>\b(?:{word})\b)" for index, (word, _) in enumerate(WORDS)), re.IGNORECASE)
CODE = re.compile(r"`[^`\n]*`")
QUOTED = re.compile(r'`[^`\n]*`|"[^"\n]*"|“[^”\n]*”')
# The name of a parameter is code, also without backticks.
PARAMETER = re.compile(r"(?m)^\s*(?:///?|\*)\s*-\s+(?:Parameter\s+)?\w+:")
FENCE = re.compile(r"^\s*(```|~~~)")
LONGEST = 132


def check(tree):
    for source in tree.sources:
        yield from in_text(source.path, ((token.line, token.text) for token in source.comments))
        if source.path.startswith("Sources/"):
            # A string of one word is a name.
            yield from in_text(source.path, (
                (token.line, token.text) for token in source.code if token.kind == "string" and " " in token.text), CODE)
    for path in tree.files(C_SUFFIXES, "Sources", "Tests"):
        yield from in_text(path, c_comments((tree.root / path).read_text()))
    for path in tree.files({".py"}, "Sources", "Tests", "Deploy"):
        yield from in_text(path, python_comments((tree.root / path).read_text()))
    for path in tree.files({".md"}, "README.md", "CONTRIBUTING.md", "docs", "Deploy", "Proto"):
        lines = list(prose((tree.root / path).read_text()))
        yield from in_text(path, lines)
        yield from too_long(path, lines)


def prose(text):
    """The lines of a document outside of its code."""
    is_code = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            is_code = not is_code
        elif not is_code:
            yield number, line


def too_long(path, lines):
    """Rows of tables and pictures cannot be broken; results of experiments are written by the program."""
    for number, line in lines:
        if len(line) > LONGEST and "/results/" not in path and not line.lstrip().startswith(("|", "<", "!")):
            yield Finding(path, number, f"{len(line)} characters, rather at most {LONGEST}")


def blank(found):
    """As many lines and columns, without a word."""
    return re.sub(r"\S", " ", found[0])


def in_text(path, pieces, spared=QUOTED):
    for line, text in pieces:
        plain = PARAMETER.sub(blank, spared.sub(blank, text))
        for found in PATTERN.finditer(plain):
            advice = WORDS[int(found.lastgroup[1:])][1]
            yield Finding(path, line + text.count("\n", 0, found.start()), f"'{found[0]}': rather {advice}")
