import ArgumentParser

/// How long an option waits: seconds, or a number with its unit, as `90`, `90s`, `1.5m`, `2h` or `500ms`.
struct Patience: ExpressibleByArgument, CustomStringConvertible {
    let seconds: Double

    /// What a command's help says of its values.
    static let help = "in seconds, or as 500ms, 90s, 1.5m or 2h"

    private static let units: [(name: String, seconds: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]

    init(seconds: Double) { self.seconds = seconds }

    init?(argument: String) {
        let unit = Self.units.first { argument.hasSuffix($0.name) }
        let digits = argument.dropLast(unit?.name.count ?? 0)
        // Double would take a sign, an exponent, hexadecimal digits and names.
        guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(digits) else {
            return nil
        }
        seconds = number * (unit?.seconds ?? 1)
    }

    var duration: Duration { .seconds(seconds) }
    var description: String { seconds == seconds.rounded() ? "\(Int(seconds))s" : "\(seconds)s" }
    var defaultValueDescription: String { description }
}
