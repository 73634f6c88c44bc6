"""Cycles between folders and between targets, planted and near misses."""

import unittest

import check_folders
import planted
from graph import components, cycles


def found(files, manifest=planted.MANIFEST):
    """(path, line, what) of what the rule finds; paths are below Sources/MessageLog."""
    files = {f"Sources/MessageLog/{path}": text for path, text in files.items()}
    findings = planted.checked(check_folders.check, files, manifest)
    return [(path.removeprefix("Sources/MessageLog/"), line, what) for path, line, what in findings]


class FolderTests(unittest.TestCase):
    def assert_cycle(self, files, place, *words):
        findings = found(files)
        self.assertEqual([item[:2] for item in findings], [place], findings)
        for word in words:
            self.assertIn(word, findings[0][2])

    def test_two_folders_that_use_each_other(self):
        self.assert_cycle(
            {"Red/A.swift": "struct Apple {\n    var pear: Pear?\n    let other: Pear\n}\nfunc core() {}",
             "Blue/B.swift": "struct Pear {}\n\nlet a = Apple()\nlet b = core()"},
            ("Red/A.swift", 2), "Sources/MessageLog/Blue -> Sources/MessageLog/Red -> Sources/MessageLog/Blue",
            "Pear (A.swift:2)", "Apple (B.swift:3)", "core (B.swift:4)",
            "Sources/MessageLog/Red -> Sources/MessageLog/Blue has the fewest ties")

    def test_three_folders_in_a_ring(self):
        self.assert_cycle(
            {"Red/A.swift": "struct Apple { var pear: Pear }", "Blue/B.swift": "struct Pear { var plum: Plum }",
             "Green/C.swift": "struct Plum {\n    var apples: [Apple]\n}"},
            ("Blue/B.swift", 1),
            "Sources/MessageLog/Blue -> Sources/MessageLog/Green -> Sources/MessageLog/Red -> Sources/MessageLog/Blue")

    def test_the_files_at_the_root_are_a_folder(self):
        self.assert_cycle(
            {"A.swift": "struct Apple { var pear: Pear }\nlet b = Pear.a + Pear.b",
            "Blue/B.swift": "\nstruct Pear { var apple: Apple }"},
            ("A.swift", 1), "Sources/MessageLog -> Sources/MessageLog/Blue -> Sources/MessageLog")

    def test_folders_within_a_folder_belong_to_it(self):
        self.assertEqual(found(
            {"Red/Inner/A.swift": "struct Apple { var pear: Pear }",
            "Red/B.swift": "struct Pear { var apple: Apple }"}), [])

    def test_what_an_extension_adds_ties_its_folder(self):
        self.assert_cycle(
            {"Red/A.swift": "struct Apple {}\nlet a = Apple().peeled()",
            "Blue/B.swift": "extension Apple {\n    func peeled() {}\n}"},
            ("Blue/B.swift", 1), "peeled (A.swift:2)", "Apple (B.swift:1)")
        self.assert_cycle(
            {"Red/A.swift": "let a = [1].evenlySpread\nstruct Apple {}",
             "Blue/B.swift": "extension Array { var evenlySpread: Int { 1 } }\nlet b = Apple()"},
            ("Blue/B.swift", 2), "evenlySpread (A.swift:1)")

    def test_a_member_that_has_its_name_from_others_too_ties_nothing(self):
        self.assertEqual(found(
            {"Red/A.swift": "struct Apple { var size = 1 }\nlet a = Apple().size",
             "Blue/B.swift": "extension Array { var size: Int { 1 } }\nlet b = Apple()"}), [])

    def test_functions_and_constants_tie(self):
        self.assert_cycle(
            {"Red/A.swift": "func red() { blue() }", "Blue/B.swift": "func blue() {}\nlet a = [1].map(red)"},
            ("Blue/B.swift", 2), "red (B.swift:2)", "blue (A.swift:1)")

    def test_extending_a_type_and_interpolating_it_are_uses(self):
        self.assert_cycle(
            {"Red/A.swift": "struct Apple {}\nextension Pear {}",
            "Blue/B.swift": "struct Pear {}\nlet a = \"\\(Apple())\""},
            ("Blue/B.swift", 2), "Pear (A.swift:2)")

    def test_one_way_is_no_cycle(self):
        self.assertEqual(found({"Red/A.swift": "struct Apple { var pear: Pear }", "Blue/B.swift": "struct Pear {}"}),
            [])

    def test_names_in_comments_strings_labels_and_members_are_no_uses(self):
        self.assertEqual(found(
            {"Red/A.swift": "struct Apple { var pear: Pear }\nfunc core() {}",
             "Blue/B.swift": "/// An Apple.\nstruct Pear {}\nlet a = \"Apple core()\"\nlet b = c.Apple\nlet d = e.core()\n"
                             "let g = h(core: 1, Apple: 2)\nenum Kind { case core }\n"}), [])

    def test_names_that_a_file_declares_itself_are_its_own(self):
        self.assertEqual(found(
            {"Red/A.swift": "struct Apple { var pear: Pear }\nfunc core() {}\nlet size = 1",
             "Blue/B.swift": "struct Pear {\n    struct Apple {}\n    let a: Apple\n    func f(core: () -> Int) -> Int { core() }\n"
                             "    func g() { let size = 2; h(size) }\n}"}), [])

    def test_private_symbols_tie_nothing(self):
        self.assertEqual(found(
            {"Red/A.swift": "private struct Apple {}\nlet a: Pear? = nil",
             "Blue/B.swift": "struct Pear {}\nextension Pear { func f() -> Apple { Apple() } }"}), [])

    def test_every_cycle_is_named_until_none_is_left(self):
        findings = found({
            "Red/A.swift": "struct Apple { var pear: Pear; var plum: Plum }",
            "Blue/B.swift": "struct Pear { var apple: Apple }", "Green/C.swift": "struct Plum { var apple: Apple }"})
        self.assertEqual(len(findings), 2)

    def test_targets_in_a_cycle(self):
        manifest = '.target(name: "Red", dependencies: ["Blue"]),\n.target(name: "Blue", dependencies: ["Red"])'
        findings = found({}, manifest)
        self.assertEqual([item[:2] for item in findings], [("Package.swift", 2)])
        self.assertIn("Blue -> Red -> Blue", findings[0][2])


class GraphTests(unittest.TestCase):
    def test_components(self):
        self.assertEqual(components({"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c"}, "e": {"a"}}),
            [{"a", "b"}, {"c", "d"}])

    def test_cutting_the_edges_that_are_named_leaves_no_cycle(self):
        weights = {("a", "b"): 3, ("b", "a"): 1, ("b", "c"): 2, ("c", "a"): 5, ("c", "d"): 1}
        named = list(cycles(weights))
        self.assertEqual(named, [(["a", "b", "a"], ("b", "a")), (["a", "b", "c", "a"], ("b", "c"))])


if __name__ == "__main__":
    unittest.main()
