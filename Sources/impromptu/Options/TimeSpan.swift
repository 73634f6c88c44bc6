import ArgumentParser

/// A length of time on the command line: a number with its unit, as `500ms`, `90s`, `1.5m` or `2h`. 0 needs no unit.
struct TimeSpan: ExpressibleByArgument, CustomStringConvertible {
    let seconds: Double

    /// What a command's help says of its values.
    static let help = "such as 500ms, 90s, 1.5m or 2h"

    private static let units: [(name: String, seconds: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]

    init(seconds: Double) { self.seconds = seconds }

    init?(argument: String) {
        let unit = Self.units.first { argument.hasSuffix($0.name) }
        let digits = argument.dropLast(unit?.name.count ?? 0)
        // Double would take a sign, an exponent, hexadecimal digits and names.
        guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(digits),
            unit != nil || number == 0
        else { return nil }
        seconds = number * (unit?.seconds ?? 1)
    }

    var duration: Duration { .seconds(seconds) }
    /// In the largest unit that leaves a whole number.
    var description: String {
        guard seconds > 0 else { return "0s" }
        let unit = Self.units.last { seconds >= $0.seconds && (seconds / $0.seconds).rounded() * $0.seconds == seconds }
        return unit.map { "\(Int((seconds / $0.seconds).rounded()))\($0.name)" } ?? "\(seconds)s"
    }
    var defaultValueDescription: String { description }
}
