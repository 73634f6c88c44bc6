"""What a target may import, planted and near misses."""

import unittest

import check_imports
import manifest
import planted
import tidy
from swift_tokens import SwiftError

MANIFEST = """
let package = Package(targets: [
    .target(name: "Text"),
    .target(name: "Charts", dependencies: ["Text"]),
    .target(name: "PromptAggregation"),
    .target(name: "Federation", dependencies: ["PromptAggregation"]),
    .target(name: "ZeroMQTransport"),
    .target(name: "Datasets", dependencies: ["PromptAggregation"]),
    .target(name: "RunSettings", dependencies: ["Datasets"]),
    .target(name: "RunLog", dependencies: ["RunSettings"]),
    .target(name: "FaultSimulation", dependencies: ["RunLog"]),
    .target(name: "FederationRun", dependencies: ["RunLog"]),
    .target(name: "FederationService", dependencies: ["FederationRun", "ZeroMQTransport"]),
    .target(name: "Dashboard", dependencies: ["FederationRun", .product(name: "Logging", package: "swift-log")]),
    .testTarget(name: "RunLogTests", dependencies: ["RunLog"]),
])
"""


def found(files, text=MANIFEST):
    """(path, line, what) of what the rule finds, without what it says of dependencies that no file imports."""
    return [item for item in everything(files, text) if "imports it nowhere" not in item[2]]


def everything(files, text=MANIFEST):
    return planted.checked(lambda tree: check_imports.check(tree, tidy.ROOMS), files, text)


def depending(target, module):
    """The manifest with one more dependency."""
    bare, listed = f'name: "{target}")', f'name: "{target}", dependencies: ['
    if bare in MANIFEST:
        return MANIFEST.replace(bare, f'{listed}"{module}"])')
    return MANIFEST.replace(listed, f'{listed}"{module}", ')


class ImportTests(unittest.TestCase):
    def assert_refused(self, target, module, why):
        """Refused in the source, with Package.swift as it is and with the dependency in it; and in Package.swift."""
        path = f"Sources/{target}/A.swift"
        files = {path: f"// A file.\nimport {module}\n"}
        plain = found(files)
        self.assertEqual([item[:2] for item in plain], [(path, 2)], plain)
        self.assertIn(module, plain[0][2])
        if module in check_imports.SYSTEM:
            return
        both = found(files, depending(target, module))
        self.assertIn((path, 2, f"{target} may not import {module}: {why}"), both)
        refused = f"{target} may not depend on {module}"
        self.assertTrue(any(item[0] == "Package.swift" and refused in item[2] for item in both), both)

    def test_forbidden_modules_are_refused_in_the_source_and_in_the_manifest(self):
        for target, module in (
                ("Text", "Charts"), ("Charts", "RunLog"), ("Federation", "Text"), ("PromptAggregation", "Federation"),
                ("RunSettings", "ZeroMQTransport"), ("RunLog", "ZeroMQTransport"), ("RunLog", "Datasets"),
                ("FaultSimulation", "FederationRun"), ("FederationRun", "ZeroMQTransport"),
                ("FederationService", "FaultSimulation"), ("Dashboard", "FederationService")):
            with self.subTest(target=target, module=module):
                self.assert_refused(target, module, tidy.ROOMS[target].why)

    def test_modules_of_the_system_are_refused_where_the_room_has_none(self):
        for target, module in (
                ("Federation", "Foundation"), ("Federation", "Glibc"), ("PromptAggregation", "Foundation"),
                ("PromptAggregation", "Dispatch"), ("PromptAggregation", "Synchronization")):
            with self.subTest(target=target, module=module):
                self.assert_refused(target, module, tidy.ROOMS[target].why)

    def test_what_is_allowed_is_not_reported(self):
        files = {
            "Sources/Charts/A.swift": "import Text\nimport Foundation\n",
            "Sources/PromptAggregation/A.swift":
                "#if canImport(Glibc)\n    import Glibc\n#else\n    import Darwin\n#endif\n",
            "Sources/Dashboard/A.swift": "public import Logging\n@preconcurrency import struct Foundation.Date\n",
            "Tests/RunLogTests/A.swift": "import Testing\nimport RunLog\nimport Foundation\n",
        }
        self.assertEqual(found(files), [])

    def test_every_spelling_of_an_import_is_seen(self):
        for text in ("import struct Foundation.Date", "@preconcurrency import Foundation", "internal import Foundation",
                     "import Foundation.NSDate", "import func Foundation.exit", "let a = 1; import Foundation"):
            self.assertEqual([item[:2] for item in found({"Sources/Federation/A.swift": text})], [
                ("Sources/Federation/A.swift", 1)], text)

    def test_strings_and_comments_import_nothing(self):
        text = (
            '// import Foundation\n/* import Glibc */\nlet a = "import Foundation"\n'
            'let b = """\n  import Glibc\n  """\n')
        self.assertEqual(found({"Sources/Federation/A.swift": text}), [])

    def test_a_forbidden_module_is_found_behind_others(self):
        text = MANIFEST.replace('.target(name: "RunSettings", dependencies: [',
            '.target(name: "RunSettings", dependencies: ["ZeroMQTransport", ')
        findings = found({"Sources/RunLog/A.swift": ""}, text)
        self.assertEqual([item[:2] for item in findings], [("Package.swift", 10)])
        self.assertIn("RunLog -> RunSettings -> ZeroMQTransport", findings[0][2])

    def test_what_it_may_not_use_itself_may_stand_behind_others(self):
        self.assertEqual(found({"Sources/RunLog/A.swift": "import RunSettings"}), [])

    def test_a_dependency_that_the_manifest_does_not_state(self):
        self.assertEqual(
            found({"Sources/Dashboard/A.swift": "\n\nimport Text"}),
            [("Sources/Dashboard/A.swift", 3,
            "Dashboard imports Text, which Package.swift does not make a dependency")])

    def test_a_dependency_that_no_file_imports(self):
        findings = everything({"Sources/Charts/A.swift": "import Text", "Sources/Dashboard/A.swift": "import Logging"})
        self.assertEqual([item[2] for item in findings], ["Dashboard depends on FederationRun and imports it nowhere"])

    def test_a_target_without_a_room(self):
        findings = found({"Sources/Cellar/A.swift": ""}, 'let a = [.target(name: "Cellar")]')
        self.assertEqual([item[:2] for item in findings], [("Package.swift", 1)])
        self.assertIn("Cellar has no room", findings[0][2])

    def test_a_file_of_no_target(self):
        self.assertEqual(found({"Sources/Attic/A.swift": "import Foundation"}), [
            ("Sources/Attic/A.swift", 1, "belongs to no target of Package.swift")])

    def test_testable(self):
        findings = found({"Tests/RunLogTests/A.swift": "import Testing\n@testable import RunLog"})
        self.assertEqual([item[:2] for item in findings], [("Tests/RunLogTests/A.swift", 2)])
        self.assertIn("@testable", findings[0][2])

    def test_targets_are_read_as_the_manifest_spells_them(self):
        targets = manifest.read_targets("""
            let cores: [Target.Dependency] = ["A", .product(name: "P", package: "q")]
            let settings: [SwiftSetting] = [.enableUpcomingFeature("X"), other]
            let t: [Target] = [
                // .target(name: "Gone"),
                .target(name: "A", dependencies: [], path: "Else/Where", swiftSettings: settings),
                .target(name: "B", dependencies: cores + [
                    .target(name: "C", condition: .when(platforms: [.linux])), .byName(name: "D")]),
                .testTarget(name: "BTests", dependencies: ["B"]),
            ]
            """)
        self.assertEqual({name: (item.folder, item.dependencies) for name, item in targets.items()}, {
            "A": ("Else/Where", ()), "B": ("Sources/B", ("A", "P", "C", "D")), "BTests": ("Tests/BTests", ("B",))})

    def test_a_manifest_that_cannot_be_read_is_an_error(self):
        with self.assertRaises(SwiftError):
            manifest.read_targets('.target(name: "A", dependencies: unknown)')


if __name__ == "__main__":
    unittest.main()
