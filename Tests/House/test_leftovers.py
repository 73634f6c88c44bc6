"""Unfinished work, long files, traps and writes to the standard streams, planted and near misses."""

import unittest

import check_leftovers
import check_words
import planted
import tidy

SHELL = "Sources/MessageLog/A.swift"
PURE = "Sources/Federation/A.swift"
COMMANDS = "Sources/impromptu/A.swift"


class LeftoverTests(unittest.TestCase):
    def places(self, files):
        return [item[:2] for item in self.found(files)]

    def found(self, files):
        if isinstance(files, str):
            files = {SHELL: files}
        return planted.checked(lambda tree: check_leftovers.check(tree, tidy.DOORS), files)

    def test_unfinished_work_in_every_language(self):
        for mark in ("TODO", "FIXME", "XXX", "HACK"):
            self.assertEqual(self.places({
                SHELL: f"let a = 1\nlet b = 2  // {mark}: c\n/* a\n {mark} */",
                "Sources/CKernels/a.c": f"int a;\n/* b\n{mark} */", "Tests/Interop/a.py": f"a = 1\nb = 2  # {mark}"}),
                [("Sources/CKernels/a.c", 3), ("Tests/Interop/a.py", 2), (SHELL, 2), (SHELL, 4)])

    def test_the_words_elsewhere_are_no_unfinished_work(self):
        self.assertEqual(self.places({
            SHELL: 'let a = "TODO"  // The TODOs of hackers; a HACKER.\nlet TODO = 1\n',
            "Sources/CKernels/a.c": 'char *a = "// TODO"; /* autodo */', "Tests/Interop/a.py": 'a = "# TODO"'}), [])

    def test_code_at_the_root(self):
        self.assertEqual(self.places({"Lab.h": "", "a.py": "", "a.swift": "", "README.md": "", "docs/a.py": ""}),
            [("Lab.h", 1), ("a.py", 1), ("a.swift", 1)])

    def test_long_files(self):
        self.assertEqual(self.places({SHELL: "\n" * 400, PURE: "\n" * 401}), [(PURE, 401)])
        self.assertEqual(self.places({"Sources/CPromptWire/schema.c": "\n" * 900, "Sources/CKernels/a.c": "\n" * 900}),
            [
            ("Sources/CKernels/a.c", 401)])

    def test_traps(self):
        for text in ("let a = try! f()", "let a = b as! C", 'fatalError("a")', "precondition(a > 1)",
            "Swift.fatalError()",
                     'preconditionFailure("a")', "assert(a)", 'assertionFailure("a")'):
            self.assertEqual(self.places("\n" + text), [(SHELL, 2)], text)

    def test_pure_code_may_state_preconditions_and_nothing_else(self):
        self.assertEqual(self.places({PURE: 'precondition(a)\npreconditionFailure("a")'}), [])
        self.assertEqual(self.places({PURE: "let a = try! f()\nfatalError()"}), [(PURE, 1), (PURE, 2)])

    def test_tests_may_trap(self):
        self.assertEqual(self.places({"Tests/FederationTests/A.swift": "let a = try! f()\nprint(a)"}), [])

    def test_what_traps_nothing(self):
        self.assertEqual(self.places(
            'while try !f() {}\nlet a = try? f() as? B\n// try! fatalError()\nlet b = "try! fatalError()"\nlog.fatalError(a)\n'
            "/// - Precondition: a.\nlet precondition = 1\nretry!\nfunc assert(_ a: Int) {}\n"), [])

    def test_writes_to_standard_error(self):
        for text in ("FileHandle.standardError.write(a)", "let h: FileHandle = .standardError", "fputs(a, stderr)",
                     "write(STDERR_FILENO, a, 1)", "Glibc.write(2, a, 1)", "dprintf(2, a)", "fflush(stderr)",
                     "LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }", "fprintf(stderr, a)"):
            findings = self.found("\n" + text)
            self.assertEqual([item[:2] for item in findings], [(SHELL, 2)], text)
            self.assertIn("standard error", findings[0][2])
            self.assertEqual(self.places({"Sources/Console/StandardError.swift": text}), [], text)

    def test_writes_to_standard_output(self):
        for text in ("print(a)", "Swift.print(a)", "debugPrint(a)", "FileHandle.standardOutput.write(a)", "puts(a)",
                     "fputs(a, stdout)", "write(STDOUT_FILENO, a, 1)", "a.forEach(print)",
                     'f { print("\\(a)") }', "return print(a)"):
            findings = self.found({COMMANDS: "\n" + text})
            self.assertEqual([item[:2] for item in findings], [(COMMANDS, 2)], text)
            self.assertIn("standard output", findings[0][2])
            self.assertEqual(self.places({"Sources/Console/StandardOutput.swift": text}), [], text)

    def test_what_writes_to_no_standard_stream(self):
        self.assertEqual(self.places(
            "isatty(STDERR_FILENO)\nfstat(STDERR_FILENO, &a)\nprocess.standardError = log\nlet s = test.standardError\n"
            "package var standardError: Double { 1 }\nwrite(file, 2, 1)\nstream.write(2, a)\noutput.print(a)\nfunc print(_ a: Int) {}\n"
            '// print(a)\nlet b = "print(a)"\nprinted(a)\nguard standardError > 0 else { return }\n'), [])


class WordTests(unittest.TestCase):
    def found(self, files):
        return [item[:2] for item in planted.checked(check_words.check, files)]

    def test_words_in_comments_strings_and_documents(self):
        self.assertEqual(self.found({
            SHELL: '/// Tells the rest.\nlet a = "it goes on"\n/*\n anew */\n',
            "README.md": "\nThe file, of which one is left.\n",
            "docs/a.md": "What it told.", "Sources/CKernels/a.c": "// It went on."}),
            [(SHELL, 1), (SHELL, 4), (SHELL, 2), ("Sources/CKernels/a.c", 1), ("README.md", 2), ("docs/a.md", 1)])

    def test_names_and_code_are_no_prose(self):
        self.assertEqual(self.found({
            SHELL: "let told = place(1)\n/// `place` is a name, formats in place.\nlet b = teller\n",
            "README.md": "`it goes on`\n```\nit goes on\n```\nThe intelligent teller goes once, renewed.\n",
            "Tests/FederationTests/A.swift": 'let a = "told"'}), [])

    def test_what_is_plain_all_the_same(self):
        self.assertEqual(self.found({
            SHELL: "/// Tells a cut log from a damaged one.\n/// - Parameter places: their numbers.\n"
                   'let a = "places"\n/// - told: what is told.\n',
            "README.md": "They cannot be told apart, to the last place, in the order in which they come.\n"}),
            [(SHELL, 4)])

    def test_a_quoted_word_is_not_used(self):
        self.assertEqual(self.found({
            SHELL: '/// Not "anew".\n/// A quote " opens, and it goes on " here.\n// "Told\n// anew"\nlet a = "say \'anew\'"\n',
            "README.md": 'Words such as "tell" and “place”, not anew.\n'}),
            [(SHELL, 3), (SHELL, 4), (SHELL, 5), ("README.md", 1)])

    def test_long_lines_of_documents(self):
        line = "word " * 27
        self.assertEqual(self.found({
            "README.md": f"# A\n\n{line}\n| {line} |\n<img {line}>\n```\n{line}\n```\n{line[:132]}\n"}), [("README.md", 3)])


if __name__ == "__main__":
    unittest.main()
