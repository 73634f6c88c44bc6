import Text

/// One side of a chart: numbers with round ticks, or a slot for each label.
package struct Axis {
    package enum Kind {
        case numbers(ClosedRange<Double>)
        case labels([String])
    }

    package var title: String
    package var kind: Kind

    /// From 0 to a round number above the values.
    package static func fromZero(_ values: some Sequence<Double>, title: String) -> Axis {
        let top = values.reduce(0) { max($0, $1.isFinite ? $1 : 0) }
        let step = step(max(top, 1e-9))
        return Axis(title: title, kind: .numbers(0...(max(top / step, 1)).rounded(.up) * step))
    }

    /// From 0 to the largest of the values.
    package static func upTo(_ values: some Sequence<Double>, title: String) -> Axis {
        Axis(title: title, kind: .numbers(0...max(values.reduce(0) { max($0, $1.isFinite ? $1 : 0) }, 1e-9)))
    }

    /// Around the values, with a little room on either side.
    package static func around(_ values: some Sequence<Double>, title: String) -> Axis {
        let finite = values.filter(\.isFinite)
        let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
        let room = max((high - low) * 0.06, max(abs(high), 1e-9) * 1e-6)
        return Axis(title: title, kind: .numbers(low - room...high + room))
    }

    package static func labels(_ labels: [String], title: String) -> Axis { Axis(title: title, kind: .labels(labels)) }

    /// The label with index i fills i to i + 1.
    package var range: ClosedRange<Double> {
        switch kind {
        case .numbers(let range): range
        case .labels(let labels): 0...Double(max(labels.count, 1))
        }
    }

    /// Round numbers in the range, about four of them.
    var ticks: [Double] {
        guard case .numbers(let range) = kind else { return [] }
        let step = Self.step(max(range.upperBound - range.lowerBound, 1e-12))
        let first = (range.lowerBound / step - 1e-9).rounded(.up)
        let last = (range.upperBound / step + 1e-9).rounded(.down)
        return last < first ? [] : (0...Int(last - first)).map { (first + Double($0)) * step }
    }

    /// A step of 1, 2 or 5 times a power of ten that divides the extent into about four.
    private static func step(_ extent: Double) -> Double {
        var power = 1.0
        while power * 10 <= extent / 4 { power *= 10 }
        while power > extent / 4 { power /= 10 }
        return [5, 2].map { $0 * power }.first { $0 <= extent / 4 } ?? power
    }

    /// A number as short as it is exact, at most three digits after the point.
    package static func label(_ value: Double) -> String {
        for digits in 0...3 where abs(Double(decimal(value, digits))! - value) < 1e-9 * max(1, abs(value)) {
            return grouped(decimal(value, digits))
        }
        return grouped(decimal(value, 3))
    }

    /// 12,000 for 12000.
    private static func grouped(_ number: String) -> String {
        let parts = number.split(separator: ".", maxSplits: 1)
        guard let whole = parts.first, whole.count > 4, whole.allSatisfy({ $0.isNumber || $0 == "-" }) else {
            return number
        }
        var digits = ""
        for (place, digit) in whole.reversed().enumerated() {
            if place > 0, place % 3 == 0, digit != "-" { digits = "," + digits }
            digits = String(digit) + digits
        }
        return ([digits] + parts.dropFirst().map(String.init)).joined(separator: ".")
    }
}

/// How wide a text of a chart's small letters is at most, in pixels.
func textWidth(_ text: String) -> Double { Double(text.count) * 6.7 }

/// The text, cut to so many letters.
package func shortened(_ text: String, to letters: Int) -> String {
    text.count <= letters ? text : text.prefix(letters - 1) + "…"
}
