"""The tables that the program prints, read back, and tables for the documents."""

import re


def rows(text, heading):
    """The rows of the first printed table whose first column has the heading, each a dictionary by column.

    A table is a line of headings, a line of dashes, and rows whose columns are two spaces or more apart."""
    lines = text.splitlines()
    for place, line in enumerate(lines[:-1]):
        if set(lines[place + 1].strip()) == {"-"} and re.split(r" {2,}", line.strip())[0] == heading:
            headings = re.split(r" {2,}", line.strip())
            found = []
            for row in lines[place + 2:]:
                if not row.strip():
                    break
                found.append(dict(zip(headings, re.split(r" {2,}", row.strip()))))
            return found
    raise ValueError(f"expected a table that begins with {heading!r}, found:\n{text}")


def code_block(text):
    return f"```text\n{text}\n```"


def markdown(headings, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [headings, *([str(cell) for cell in row] for row in rows)]]
    return "\n".join([lines[0], "|" + "---|" * len(headings), *lines[1:]])
