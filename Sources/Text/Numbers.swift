/// A share of 1 as a percentage with one digit after the point.
public func percent(_ share: Double) -> String { decimal(share * 100, 1) + " %" }

/// A number with that many digits after the point, the same on every machine.
public func decimal(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let whole = Int64(scaled / scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(whole)" }
    let fraction = String(Int64(scaled - Double(whole) * scale))
    return "\(sign)\(whole).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
}

extension Array {
    /// At most so many, evenly spread, with the last.
    package func evenlySpread(atMost most: Int) -> [Element] {
        let step = Swift.max(1, (count + most - 1) / most)
        return indices.filter { (count - 1 - $0) % step == 0 }.map { self[$0] }
    }
}

/// Bytes in hexadecimal, two digits each.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}

extension [UInt8] {
    /// The bytes that a text has in hexadecimal, nil for another text.
    package init?(hexadecimal text: String) {
        let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count % 2 == 0, !digits.contains(nil) else { return nil }
        self = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0]! << 4 | digits[$0 + 1]!) }
    }
}

/// A 64-bit number in 16 hexadecimal digits.
package func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
