"""The tree that is checked: its targets and its Swift files, each read once."""

import pathlib
from typing import NamedTuple

from manifest import read_targets
from swift_tokens import SwiftError, partners, tokenize


class Finding(NamedTuple):
    path: str
    line: int
    what: str


class Source:
    """A Swift file and the tokens that the rules look at."""

    def __init__(self, path, text, target, target_folder):
        self.path = path
        self.text = text
        # None for a file that belongs to no target of Package.swift.
        self.target = target
        inside = pathlib.PurePosixPath(path).relative_to(target_folder).parts
        # The folder of the target that it lies in; the target itself for a file at its root.
        self.folder = f"{target_folder}/{inside[0]}" if len(inside) > 1 else target_folder
        tokens = tokenize(text)
        self.comments = [token for token in tokens if token.kind == "comment"]
        self.code = [token for token in tokens if token.kind != "comment"]
        self.pairs = partners(self.code)


class Tree:
    """All of it. What cannot be read is in `unreadable`, as findings."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.unreadable = []
        self.targets = {}
        manifest = self.root / "Package.swift"
        try:
            self.targets = read_targets(manifest.read_text())
            if not self.targets:
                self.unreadable.append(Finding("Package.swift", 1, "expected targets, found none"))
        except (OSError, SwiftError) as error:
            self.unreadable.append(Finding("Package.swift", getattr(error, "line", 1), f"cannot be read: {error}"))
        self.folders = sorted(
            ((target.folder, name) for name, target in self.targets.items()), key=lambda item: -len(item[0]))
        self.sources = [source for source in map(self.read, self.files({".swift"}, "Sources", "Tests")) if source]

    def files(self, suffixes, *tops):
        """Paths from the root, ascending."""
        for top in tops:
            start = self.root / top
            if start.is_file():
                yield top
            for path in sorted(start.rglob("*")):
                if path.suffix in suffixes and path.is_file():
                    yield path.relative_to(self.root).as_posix()

    def read(self, path):
        folder, target = self.owner(path)
        try:
            return Source(path, (self.root / path).read_text(), target, folder)
        except SwiftError as error:
            self.unreadable.append(Finding(path, error.line, f"cannot be read as Swift: {error}"))
        except UnicodeDecodeError as error:
            self.unreadable.append(Finding(path, 1, f"cannot be read as text: {error}"))
        return None

    def owner(self, path):
        """The folder and the name of the target that a file belongs to."""
        for folder, name in self.folders:
            if path.startswith(folder + "/"):
                return folder, name
        return "/".join(path.split("/")[:2]) if path.count("/") > 1 else path.split("/")[0], None

    def of_target(self, name):
        return [source for source in self.sources if source.target == name]

    def source_targets(self):
        """The targets whose files lie in Sources, with at least one Swift file."""
        used = {source.target for source in self.sources if source.path.startswith("Sources/") and source.target}
        return [self.targets[name] for name in sorted(used)]
