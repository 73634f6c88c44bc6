import Foundation

extension Encodable {
    /// As JSON with sorted keys. A number that is not finite, for which JSON has no word, is null.
    /// - Parameter isPretty: on many lines, for people; else on one.
    package func json(isPretty: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = isPretty ? [.sortedKeys, .prettyPrinted] : .sortedKeys
        // The encoder has texts alone for such numbers, so they become one that stands nowhere else.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: notFinite, negativeInfinity: notFinite, nan: notFinite)
        return String(decoding: try encoder.encode(self), as: UTF8.self).replacing("\"\(notFinite)\"", with: "null")
    }
}

private let notFinite = UUID().uuidString

/// A number that may take all of 64 bits, as identities and seeds do. In JSON it is text: many readers keep numbers as
/// doubles, which lose digits above 2^53.
@propertyWrapper
public struct Wide: Encodable, Hashable, Sendable {
    public var wrappedValue: UInt64

    public init(wrappedValue: UInt64) { self.wrappedValue = wrappedValue }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode("\(wrappedValue)")
    }
}
