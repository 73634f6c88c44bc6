import Foundation

/// The Python with the packages that tests of other people's programs need; `Deploy/setup --test` makes one in .venv.
package let python = ProcessInfo.processInfo.environment["IMPROMPTU_PYTHON"]
