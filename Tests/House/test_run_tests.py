"""Tests of run_tests.py: what counts as skipped, and how the command ends."""

import os
import pathlib
import subprocess
import sys
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent / "run_tests.py"
PASSED = "✔ Test run with 3 tests in 1 suite passed after 0.001 seconds."
SKIP = '➜ Test readsPython() skipped: "IMPROMPTU_PYTHON names no Python"'
NO_AVX512 = '➜ Test avx512() skipped: "this processor has no AVX-512 F"'


def run(*lines, status=0, require_all=True):
    program = f"print({chr(10).join(lines)!r}); raise SystemExit({status})"
    environment = {**os.environ, "IMPROMPTU_REQUIRE_ALL": "1" if require_all else "0", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, str(SCRIPT), sys.executable, "-c", program], env=environment, capture_output=True)


class RunTests(unittest.TestCase):
    def test_all_passed(self):
        result = run(PASSED)
        self.assertEqual(result.returncode, 0)
        self.assertIn(PASSED, result.stdout.decode())

    def test_a_skip_fails_where_all_are_required(self):
        result = run(SKIP, PASSED)
        self.assertEqual(result.returncode, 1)
        self.assertIn("readsPython(): IMPROMPTU_PYTHON names no Python", result.stderr.decode())

    def test_a_skipped_suite_fails_too(self):
        self.assertEqual(run('➜ Suite InteropTests skipped: "no mcap"', PASSED).returncode, 1)

    def test_a_skip_is_allowed_elsewhere(self):
        self.assertEqual(run(SKIP, PASSED, require_all=False).returncode, 0)

    def test_a_missing_processor_feature_is_no_failure(self):
        self.assertEqual(run(NO_AVX512, PASSED).returncode, 0)

    def test_no_test_at_all_fails(self):
        self.assertEqual(run("nothing", require_all=False).returncode, 1)

    def test_a_failure_stays_one(self):
        self.assertEqual(run(PASSED, status=3).returncode, 3)


if __name__ == "__main__":
    unittest.main()
