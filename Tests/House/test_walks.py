"""Walks over sets and dictionaries, planted and near misses."""

import unittest

import check_walks
import planted

PURE = {"PromptAggregation", "Federation"}
DECLARED = """struct Shelf {
    var sizes: [String: Int] = [:]
    var weights: [String: Double]
    var marks: Set<Int>
    var nested: [[String: Int]]
    var byName: [String: Set<Int>]
    var list: [Int]
    var inferred = Set<Int>()
    var aliased: Table
    var optional: [String: Int]?
    func given() -> Set<Int> { marks }
}
typealias Table = Dictionary<String, Int>
"""


def found(text, declared=DECLARED):
    """(line, what) of what the rule finds in a file of Federation beside a file with DECLARED."""
    files = {"Sources/Federation/A.swift": text, "Sources/Federation/Shelf.swift": declared}
    findings = planted.checked(lambda tree: check_walks.check(tree, PURE), files)
    return [(line, what) for path, line, what in findings if path.endswith("/A.swift")]


def within(statement):
    return f"extension Shelf {{\n    func f(_ other: Shelf) {{\n        {statement}\n    }}\n}}\n"


class WalkTests(unittest.TestCase):
    def assert_found(self, statements):
        for statement in statements:
            with self.subTest(statement=statement):
                self.assertEqual([line for line, _ in found(within(statement))], [3])

    def assert_clean(self, statements):
        for statement in statements:
            with self.subTest(statement=statement):
                self.assertEqual(found(within(statement)), [])

    def test_loops(self):
        self.assert_found([
            "for (key, value) in sizes { g(key, value) }", "for mark in marks { g(mark) }",
            "for mark in self.marks where a { }",
            "for key in sizes.keys { g(key) }", "for value in other.sizes.values { g(value) }", "for m in inferred { }",
            "for (k, v) in aliased { }", "for m in given() { }", "for m in other.given() { }",
            "for m in byName[a]! { }", "for (k, v) in nested[0] { }", "for (i, m) in marks.enumerated() { }",
            "for m in marks.filter({ $0 > 1 }) { }",
            "for m in marks.union(list) { }", "for (k, v) in optional ?? [:] { }", "for m in Set(list) { }",
            'for (k, v) in ["a": 1, "b": 2] { }', "for (k, v) in Dictionary(grouping: list) { $0 } { }",
            "for m in byName.values.first! { }", "for (k, v) in [String: Int](uniqueKeysWithValues: list) { }"])

    def test_members(self):
        self.assert_found([
            "let a = sizes.map { $0 }", "marks.forEach { g($0) }", "let a = weights.values.reduce(0, +)",
            "let a = marks.first", "let a = sizes.first { $0.value > 1 }", "let a = sizes.keys.joined()",
            "let a = marks.flatMap { [$0] }.first",
            "let a = sizes.min { $0.value < $1.value }", "let a = marks.prefix(2)", "let a = sizes.keys.map(g)",
            "let a = sizes.reduce(into: [:]) { $0[$1.key] = 1 }", "let a = sizes.reduce(0) { $0 + $1.value }",
            "let a = byName[a]?.map { $0 }", "let a = sizes.mapValues { 1.5 }.values.reduce(0, +)",
            "let i = marks.startIndex", "let a = sizes.sorted { $0.value < $1.value }"])
        self.assertEqual([line for line, _ in found(within("let a = marks\n            .map { $0 + 1 }"))], [4])

    def test_what_makes_a_list_or_text(self):
        self.assert_found([
            "let a = Array(marks)", "let a = Array(sizes.values)", "list.append(contentsOf: marks)",
            'let a = "\\(marks)"',
            "let a = list + marks", "var a = list; a += marks", "for (a, b) in zip(list, marks) { }",
            "let a = zip(marks, list)",
            "let a = String(describing: sizes)", "let a = Array<Int>(marks)", 'let a = "\\(sizes.keys.joined())"'])

    def test_locals_parameters_and_closures(self):
        self.assert_found([
            "let seen: Set<Int> = []; for a in seen { }", "var seen = Set<Int>(); for a in seen { }",
            "let copy = sizes; for a in copy { }", "if let table = optional { for a in table { } }",
            "let big = marks.filter { $0 > 1 }; let a = Array(big)", "g { (table: [Int: Int]) in table.map { $0 } }",
            "let all = list.map { $0 } as! Set<Int>; all.forEach { g($0) }",
            "for one in nested { for (k, v) in one { } }"])
        self.assertEqual(
            [line for line,
            _ in found("func f(_ a: Set<Int>, b: inout [Int: Int]) {\n    for x in a { }\n    for x in b { }\n}")],
            [2, 3])

    def test_what_is_sorted_at_once(self):
        self.assert_clean([
            "for key in sizes.keys.sorted() { }", "for (k, v) in sizes.sorted(by: { $0.key < $1.key }) { }",
            "for m in marks.sorted { $0 > $1 } { }", "let a = marks.map { $0 + 1 }.sorted()",
            "let a = Array(marks).sorted()",
            "let a = sizes.values.sorted()", "let a = sizes.sorted { $0.key < $1.key }.map { $0.value }"])

    def test_what_has_no_order(self):
        self.assert_clean([
            "let a = marks.count", "let a = marks.contains(1)", "if sizes.isEmpty { }", "let a = marks.min()",
            "let a = sizes.values.reduce(0, +)", "let a = Set(marks.map { $0 + 1 })", "let a = sizes[key]",
            "let a = sizes[key, default: 0]", "sizes[key] = nil", "marks.insert(1)", "marks.formUnion(other.marks)",
            "let a = marks.isSubset(of: other.marks)", "let a = marks.allSatisfy { $0 > 1 }",
            "let a = marks.count { $0 > 1 }",
            "let a = marks == other.marks", "let a = sizes.keys.contains(key)", "let a = sizes.map { $0.key }.count",
            "let a = Dictionary(uniqueKeysWithValues: sizes.map { ($0, 1) })",
            "let a = marks.subtracting(list).isEmpty"])

    def test_lists_are_walked_in_their_order(self):
        self.assert_clean([
            "for a in list { }", "let a = list.map { $0 }", "for a in list.enumerated() { }", "let a = nested.first",
            "for a in nested { }", "let sizes = list; for a in sizes { }", "g { sizes in sizes.map { $0 } }",
            "for marks in nested { g(marks) }", "let a = [1, b ? 2 : 3].map { $0 }",
            'let a = "sizes.map"  // for m in marks { }', "let marks = marks.sorted(); for m in marks { }"])
        self.assertEqual(found("func f(marks: [Int]) {\n    for m in marks { }\n}"), [])

    def test_a_member_of_another_type_with_the_same_name_is_told_apart(self):
        text = (
            "struct Other {\n    var sizes: [Int]\n    func f() { for a in sizes { } }\n"
            "    func g(_ o: Other) { o.sizes.map { $0 } }\n}")
        self.assertEqual(found(text), [])

    def test_a_reason_on_the_line_excuses(self):
        walk = "for mark in marks { flags[mark] = true }"
        self.assert_clean([
            f"{walk}  // order-free: each flag is set once", f"// order-free: each flag is set once\n        {walk}"])

    def test_a_reason_has_to_be_one_and_to_be_needed(self):
        self.assertEqual(
            [(line, "why" in what) for line, what in found(within("for m in marks { }  // order-free: yes"))],
            [(3, True)])
        self.assertEqual(
            [(line, "without a walk" in what) for line,
            what in found(within("let a = 1  // order-free: it is one number"))],
            [(3, True)])

    def test_other_targets_may_walk(self):
        files = {"Sources/MessageLog/A.swift": "func f(_ a: Set<Int>) { for x in a { } }"}
        self.assertEqual(planted.checked(lambda tree: check_walks.check(tree, PURE), files), [])


if __name__ == "__main__":
    unittest.main()
