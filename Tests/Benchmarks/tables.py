"""The tables that the program prints, read back, and tables for the documents."""

import itertools
import re


def rows(text, heading):
    """The rows of the first printed table whose first column has the heading, each a dictionary by column.

    A table is a line of headings, in a terminal a line of dashes, and rows whose columns are two spaces or more apart."""
    lines = [re.split(r" {2,}", line.strip()) for line in text.splitlines() if set(line.strip()) != {"-"}]
    for place, headings in enumerate(lines):
        if headings[0] == heading:
            rest = itertools.takewhile(lambda row: len(row) == len(headings), lines[place + 1:])
            return [dict(zip(headings, row)) for row in rest]
    raise ValueError(f"expected a table that begins with {heading!r}, found:\n{text}")


def code_block(text):
    return f"```text\n{text}\n```"


def markdown(headings, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [headings, *([str(cell) for cell in row] for row in rows)]]
    return "\n".join([lines[0], "|" + "---|" * len(headings), *lines[1:]])
