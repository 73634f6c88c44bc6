"""Trees to plant violations in."""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import tidy  # Makes the rules known to Python, too.
from tree import Tree

MANIFEST = """// swift-tools-version: 6.1
import PackageDescription
let package = Package(
    name: "planted",
    targets: [
        .target(name: "CKernels"),
        .target(name: "Console"),
        .target(name: "PromptAggregation", dependencies: ["CKernels"]),
        .target(name: "Federation", dependencies: ["PromptAggregation"]),
        .target(name: "MessageLog"),
        .executableTarget(name: "impromptu"),
        .testTarget(name: "FederationTests"),
    ]
)
"""


def write(root, files, manifest=MANIFEST):
    """Writes a tree: a manifest and files (path -> text)."""
    for path, text in {"Package.swift": manifest, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def checked(check, files, manifest=MANIFEST):
    """What a rule finds in such a tree, as (path, line, what)."""
    with tempfile.TemporaryDirectory() as folder:
        write(pathlib.Path(folder), files, manifest)
        return [tuple(finding) for finding in check(Tree(folder))]
