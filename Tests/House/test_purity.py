"""Purity, planted and near misses."""

import unittest

import check_purity
import planted

PURE = {"PromptAggregation", "Federation"}


def found(text, **more):
    """(line, what) of what the rule finds in a file of Federation; `more`: other files of it, by name."""
    files = {f"Sources/Federation/{name}.swift": other for name, other in {"A": text, **more}.items()}
    findings = planted.checked(lambda tree: check_purity.check(tree, PURE), files)
    assert all(path == "Sources/Federation/A.swift" for path, _, _ in findings), findings
    return [(line, what.removeprefix("Federation is pure and may not have ")) for _, line, what in findings]


class PurityTests(unittest.TestCase):
    def assert_planted(self, what, statements):
        for statement in statements:
            with self.subTest(statement=statement):
                findings = found(f"struct A {{\n    func f() {{\n        {statement}\n    }}\n}}\n")
                self.assertTrue(findings, "nothing was found")
                self.assertEqual({(line, seen.split(":")[0]) for line, seen in findings}, {(3, what)})

    def test_clocks(self):
        self.assert_planted("a clock", [
            "let now = Date()", "let now = Date.now", "let now = Date .init()", "let start = ContinuousClock.now",
            "let clock = SuspendingClock()", "clock_gettime(CLOCK_MONOTONIC, &spec)", "gettimeofday(&value, nil)",
            "let t = time(nil)", "let t = Glibc.time(nil)", "take(.now)", "let t: DispatchTime = .init()",
            'g("\\(Date())")', "let t = Foundation.Date()"])

    def test_randomness(self):
        self.assert_planted("randomness of the system", [
            "let a = Int.random(in: 0..<3)", "let a = Bool.random()", "let a = list.shuffled()", "list.shuffle()",
            "let a = list.randomElement()", "let a = list.map(\\.b).shuffled().first", "let a = list.map(Bool.random)",
            "var g = SystemRandomNumberGenerator()", "let a = rand()", "let a = arc4random_uniform(3)",
            "let a = UUID()",
            "let a = drand48()", "let a: Double = .random(in: 0...1)", "let a = Int.random(in: f(using: &g))"])

    def test_input_and_output(self):
        self.assert_planted("input or output", [
            'print("a")', 'Swift.print("a")', "debugPrint(a)", "dump(a)", "let f = FileManager.default",
            "FileHandle.standardInput",
            'let f = fopen("a", "r")', 'let f = open("a", 0)', 'let e = getenv("A")', "let p = ProcessInfo.processInfo",
            "let a = CommandLine.arguments", "let l = readLine()", "list.forEach(print)", "fputs(a, stream)", "exit(1)"])

    def test_loggers(self):
        self.assert_planted("a logger", ["let l = Logger(label: a)", "LoggingSystem.bootstrap(f)"])

    def test_threads(self):
        self.assert_planted("threads", [
            "Task { g() }", "Task.detached { g() }", "let t = Thread { }", "DispatchQueue.main.sync { }",
            "async let a = g()", "await g()", "let m = Mutex(0)", "sleep(1)", "pthread_create(&t, nil, f, nil)"])
        self.assertEqual(found("func f() async -> Int { 1 }"), [(1, "threads: async")])
        self.assertEqual(found("\nactor A {}"), [(2, "threads: actor")])
        self.assertEqual(found("@MainActor func f() {}"), [(1, "threads: @MainActor")])
        self.assertEqual(
            found("nonisolated(unsafe) var a = 1"), [(1, "state that threads share: nonisolated(unsafe)")])

    def test_hashes_and_addresses(self):
        self.assert_planted("a hash or an address", [
            "let a = b.hashValue", "var h = Hasher()", "let a = ObjectIdentifier(b)",
            "list.sorted { $0.hashValue < $1.hashValue }",
            "let a = list.map(\\.hashValue)", "let p = Unmanaged<A>.passUnretained(a)"])

    def test_strings_comments_and_regular_expressions_are_no_code(self):
        self.assertEqual(found(
            '// Date() and print(a)\n/* Bool.random() */\nlet a = "print(Date())"\nlet b = #"\\(Date())"#\n'
            'let c = """\n  Task { getenv("A") }\n  """\nlet d = /print(x)/\n'), [])

    def test_names_that_hold_a_word_are_other_names(self):
        self.assertEqual(found(
            "let dateOfBirth = Dates()\nlet update = UpdateDate(1)\nfunc printed() {}\nprinted()\nlet randomness = a.random\n"
            "a.random.next()\nlet opened = reopen(1)\nlet tasks = Tasking()\nlet times = a.time\nrow.shuffledBy(1)\n"),
            [])

    def test_seeded_randomness_is_allowed(self):
        self.assertEqual(found(
            "let a = Int.random(in: 0..<3, using: &random)\nlist.shuffle(using: &random)\n"
            "let b = list.shuffled(using: &random).first\nlet c = list.randomElement(using: &random)\n"), [])

    def test_members_and_labels_are_not_the_library_s(self):
        self.assertEqual(found(
            "stream.write(a)\nlet a = b.open(c)\ngive(time: 1)\nlet k = Kind.async\nlet n = state.now\nlet d = a.Date\n"
            "f(print: 1, Date: 2)\n"), [])

    def test_what_the_target_declares_is_its_own(self):
        self.assertEqual(found("func f() { open(1) }\nlet a: Process = Process(1)",
            B="func open(_ a: Int) {}\nstruct Process {}"), [])
        self.assertEqual(found("func f(dump: (Int) -> Void) { dump(1) }"), [])

    def test_a_nested_task_is_its_own_and_the_library_s_is_not(self):
        self.assertEqual(
            found(
                "extension Message {\n    func f(_ t: Task) -> Task {\n        let a = Message.Task(1)\n        Task { g() }\n"
                "        return Task(1)\n    }\n}", B="enum Message { struct Task {} }"),
            [(4, "threads: Task")])

    def test_a_type_may_be_hashable(self):
        self.assertEqual(found(
            "struct A: Hashable {\n    func hash(into hasher: inout Hasher) { hasher.combine(1) }\n}"), [])

    def test_other_targets_may_do_all_of_it(self):
        files = {"Sources/MessageLog/A.swift": "print(Date())"}
        self.assertEqual(planted.checked(lambda tree: check_purity.check(tree, PURE), files), [])


if __name__ == "__main__":
    unittest.main()
