"""The script as it is called, on planted trees and on this one."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import planted
import tidy
from tree import Tree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MANIFEST = 'let a: [Target] = [.target(name: "PromptAggregation"), .target(name: "Federation")]'
CLEAN = {"Sources/Federation/A.swift": "/// It goes on.\npublic struct A {}\n", "Sources/PromptAggregation/B.swift": ""}


class ScriptTests(unittest.TestCase):
    def run_on(self, files, *arguments, manifest=MANIFEST):
        """(exit status, lines) of the script on a tree."""
        with tempfile.TemporaryDirectory() as folder:
            planted.write(pathlib.Path(folder), files, manifest)
            done = subprocess.run(
                [sys.executable, ROOT / "Tests/tidy.py", "--root", folder, *arguments], capture_output=True, text=True)
            self.assertEqual(done.stderr, "")
            return done.returncode, done.stdout.splitlines()

    def test_a_clean_tree(self):
        self.assertEqual(self.run_on(CLEAN), (0, ["tidy: nothing found"]))

    def test_every_rule_reports_file_and_line_and_fails(self):
        status, lines = self.run_on(CLEAN | {
            "Sources/Federation/C.swift": "import Foundation\nlet a = Date()\nfunc f(_ b: Set<Int>) {\n    for c in b {}\n}\n"
                                          "let d = try! e()\n// TODO: f\n",
            "Sources/Federation/Red/A.swift": "struct Apple { var pear: Pear }",
            "Sources/Federation/Blue/B.swift": "struct Pear { var apple: Apple }",
            "Sources/PromptAggregation/D.swift": "\n" * 401})
        self.assertEqual(status, 1)
        self.assertEqual([line.split(": ")[0] for line in lines if line.startswith("Sources")], [
            "Sources/Federation/Blue/B.swift:1", "Sources/Federation/C.swift:1", "Sources/Federation/C.swift:2",
            "Sources/Federation/C.swift:4", "Sources/Federation/C.swift:6", "Sources/Federation/C.swift:7",
            "Sources/PromptAggregation/D.swift:401"])
        self.assertEqual(lines[-1], "tidy: 7 findings")

    def test_paths_choose_what_is_printed(self):
        files = CLEAN | {"Sources/Federation/C.swift": "print(1)", "Sources/PromptAggregation/D.swift": "print(1)"}
        status, lines = self.run_on(files, "Sources/PromptAggregation/")
        self.assertEqual((status, {line.split(":")[0] for line in lines[:-1]}),
            (1, {"Sources/PromptAggregation/D.swift"}))
        self.assertEqual(self.run_on(files, "Sources/Fed")[0], 0)

    def test_words_are_warnings(self):
        status, lines = self.run_on(CLEAN, "--words")
        self.assertEqual((status, lines[0]), (0, "Sources/Federation/A.swift:1: warning: 'goes on': rather continue"))

    def test_what_cannot_be_read_is_a_finding(self):
        status, lines = self.run_on(CLEAN | {"Sources/Federation/C.swift": "\nlet a = \"b\n"})
        self.assertEqual(status, 1)
        self.assertTrue(lines[0].startswith("Sources/Federation/C.swift:2: cannot be read as Swift: "), lines)
        status, lines = self.run_on({}, manifest="let package = 1")
        self.assertEqual((status, lines[0]), (1, "Package.swift:1: expected targets, found none"))


class ThisTreeTests(unittest.TestCase):
    def test_every_swift_file_is_read(self):
        tree = Tree(ROOT)
        self.assertEqual(tree.unreadable, [])
        self.assertGreater(len(tree.sources), 100)

    def test_the_pure_targets_are_there_and_have_rooms(self):
        tree = Tree(ROOT)
        for name in tidy.PURE:
            self.assertTrue(tree.of_target(name), name)
            self.assertIn(name, tidy.ROOMS)

    def test_the_exceptions_name_files_that_are_there(self):
        for path in [*tidy.DOORS.generated, *tidy.DOORS.preconditions]:
            self.assertTrue((ROOT / path).exists(), path)


if __name__ == "__main__":
    unittest.main()
