"""The commands of docs/python.md with PyTorch, as they stand there."""

from test_tutorial import pytestmark, run_section  # noqa: F401


def test_the_section_with_pytorch_runs_as_it_stands(tmp_path):
    run_section("Try it with PyTorch", tmp_path)
