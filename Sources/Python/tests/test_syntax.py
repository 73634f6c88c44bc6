"""The package's sources are Python 3.10, whatever runs the tests."""

import ast
import pathlib

import pytest

SOURCES = sorted(pathlib.Path(__file__).parents[1].glob("impromptu/**/*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_sources_need_no_newer_syntax(path):
    ast.parse(path.read_text(), str(path), feature_version=(3, 10))


def test_newer_syntax_would_be_found():
    with pytest.raises(SyntaxError):
        ast.parse("try:\n    pass\nexcept* ValueError:\n    pass\n", feature_version=(3, 10))
