"""The tokens of nasty Swift."""

import unittest

from swift_tokens import SwiftError, partners, tokenize


def kinds(text):
    return [(token.kind, token.text) for token in tokenize(text)]


def texts(text, kind):
    return [token.text for token in tokenize(text) if token.kind == kind]


class TokenTests(unittest.TestCase):
    def test_comments_nest_and_end_where_they_end(self):
        self.assertEqual(
            kinds("a /* b /* c */ // d */ e // f\ng"),
            [("name", "a"), ("comment", "/* b /* c */ // d */"), ("name", "e"), ("comment", "// f"), ("name", "g")])

    def test_comment_marks_in_strings_are_text(self):
        self.assertEqual(kinds('"http://a /* b"+c'), [("string", "http://a /* b"), ("op", "+"), ("name", "c")])

    def test_quotes_in_comments_open_no_string(self):
        self.assertEqual(texts("// it's \"so\n/* \" */ a", "name"), ["a"])

    def test_an_interpolation_is_code_with_strings_of_its_own(self):
        self.assertEqual(
            kinds(r'"a\(f("b\(c)", (1)))d"'),
            [("string", "a"), ("op", "\\("), ("name", "f"), ("op", "("), ("string", "b"), ("op", "\\("), ("name", "c"),
             ("op", ")"), ("string", ""), ("op", ","), ("op", "("), ("number", "1"), ("op", ")"), ("op", ")"),
             ("op", ")"), ("string", "d")])

    def test_an_interpolation_may_hold_comments_with_brackets(self):
        self.assertEqual(texts('"\\(a /* ) " */)" b', "name"), ["a", "b"])

    def test_escapes_end_no_string(self):
        self.assertEqual(kinds(r'"\"\\" "\\\(a)"')[:2], [("string", r"\"\\"), ("string", "\\\\")])

    def test_raw_strings_have_quotes_and_backslashes(self):
        self.assertEqual(kinds(r'#"a"b\(c)"# d'), [("string", r'a"b\(c)'), ("name", "d")])
        self.assertEqual(texts(r'##"a"#b\##(c)"##', "name"), ["c"])
        self.assertEqual(kinds('#"""#'), [("string", '"')])

    def test_long_strings_have_quotes_and_lines(self):
        tokens = tokenize('let a = """\n  "b" ""\n  \\(c) // d\n  \\"""\n  """\ne')
        self.assertEqual([token.text for token in tokens if token.kind == "name"], ["let", "a", "c", "e"])
        self.assertEqual((tokens[-1].text, tokens[-1].line), ("e", 6))
        self.assertFalse([token for token in tokens if token.kind == "comment"])

    def test_a_raw_long_string_ends_at_its_own_mark(self):
        self.assertEqual(kinds('#"""\n a """ \\(b)\n """#;c')[1:], [("op", ";"), ("name", "c")])

    def test_empty_strings(self):
        self.assertEqual(kinds('"" + ""'), [("string", ""), ("op", "+"), ("string", "")])

    def test_lines_are_counted_through_everything(self):
        text = '"""\n\\(a)\n"""\n/* \n */ b\n#"""\n x\n """#\n/x/.c'
        self.assertEqual([(t.text, t.line) for t in tokenize(text) if t.kind == "name"], [("a", 2), ("b", 5), ("c", 9)])

    def test_regular_expressions(self):
        self.assertEqual(texts(r'let a = /b"[\/*)]\/d/.e', "regex"), [r'/b"[\/*)]\/d/'])
        self.assertEqual(texts(r'f(/"/, x)', "regex"), ['/"/'])
        self.assertEqual(texts('return /print(x)/', "regex"), ["/print(x)/"])
        self.assertEqual(texts('#/ a / " b /# c', "regex"), ['#/ a / " b /#'])
        self.assertEqual(texts('##/\n a /# b\n/## c', "name"), ["c"])

    def test_division_is_no_regular_expression(self):
        for text in ("a / b / c", "(a)/b/c", "a[0]/b/c", "a!/b/c", "1/b/2", "reduce(1, /)", "x /= y / z",
            "f(/) + g(/)"):
            self.assertEqual(texts(text, "regex"), [], text)

    def test_names(self):
        self.assertEqual(texts("`default` $0 größe _a `two words`", "name"),
            ["`default`", "$0", "größe", "_a", "`two words`"])

    def test_numbers(self):
        self.assertEqual(
            texts("0x1F 1_000.5e-3 0b1_0 0x1p-3 1...5 2.description", "number"),
            ["0x1F", "1_000.5e-3", "0b1_0", "0x1p-3", "1", "5", "2"])

    def test_attributes_and_directives(self):
        self.assertEqual(
            kinds("@testable import A\n#if DEBUG\n@Foundation.objc #expect(1)")[:4],
            [("attribute", "@testable"), ("name", "import"), ("name", "A"), ("hash", "#if")])

    def test_angle_brackets_stand_alone_and_arrows_do_not(self):
        self.assertEqual(texts("a: Set<Set<Int>> -> b", "op"), [":", "<", "<", ">", ">", "->"])

    def test_forced_tries_are_one_token_and_negations_are_not(self):
        self.assertEqual(texts("try! a; try !b; c as! D; retry!", "name"),
            ["try!", "a", "try", "b", "c", "as!", "D", "retry"])

    def test_a_shebang_is_no_code(self):
        self.assertEqual(kinds("#!/usr/bin/swift '\na"), [("name", "a")])

    def test_what_does_not_end_is_said_with_its_line(self):
        for text, line in (('a\n"b', 2), ('a\n"""\nb', 2), ("\n/* /* */", 2), ('"\\(a', 1), ("a\n#/ b", 2)):
            with self.assertRaises(SwiftError) as caught:
                tokenize(text)
            self.assertEqual(caught.exception.line, line, text)

    def test_brackets_pair(self):
        code = tokenize('{ f("\\(a[0])") }')
        pairs = partners(code)
        self.assertEqual(pairs[0], len(code) - 1)
        for text in ("(]", "{", ")"):
            with self.assertRaises(SwiftError):
                partners(tokenize(text))


if __name__ == "__main__":
    unittest.main()
