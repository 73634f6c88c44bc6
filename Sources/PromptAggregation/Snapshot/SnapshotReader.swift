/// Why bytes are no snapshot, or not one of what is to be restored.
public enum SnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes end before what was to be read.
    case truncated(place: Int, expected: Int, actual: Int)
    /// What was read at `place` is not what must stand there.
    case unexpected(place: Int, what: String, expected: String, actual: String)

    public var description: String {
        switch self {
        case .truncated(let place, let expected, let actual):
            "snapshot: expected \(expected) more bytes at \(place), but there are \(actual)"
        case .unexpected(let place, let what, let expected, let actual):
            "snapshot: \(what) at byte \(place): expected \(expected), found \(actual)"
        }
    }
}

/// Reads what a `SnapshotWriter` wrote, in the same order.
public struct SnapshotReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private let end: Int
    /// The byte at which the next value begins.
    package private(set) var place = 0

    /// - Throws: `SnapshotError` when the bytes are no snapshot, of another version, or damaged.
    package init(_ bytes: [UInt8]) throws(SnapshotError) { try self.init(bytes[...]) }

    /// - Throws: as above.
    package init(_ bytes: ArraySlice<UInt8>) throws(SnapshotError) {
        self.bytes = bytes
        end = bytes.count - SnapshotFormat.checksumSize
        let header = SnapshotFormat.magic.count + 8
        guard end >= header else { throw .truncated(place: bytes.count, expected: header + 8 - bytes.count, actual: 0) }
        guard bytes.starts(with: SnapshotFormat.magic) else {
            throw .unexpected(place: 0, what: "mark", expected: "\(SnapshotFormat.magic)", actual: "\(bytes.prefix(8))")
        }
        place = SnapshotFormat.magic.count
        try expect(SnapshotFormat.version, "format version")
        let (expected, actual) = (SnapshotFormat.checksum(bytes.prefix(end)), word(at: end))
        guard expected == actual else {
            throw .unexpected(place: end, what: "checksum", expected: "\(expected)", actual: "\(actual)")
        }
    }

    /// - Throws: `SnapshotError` when bytes are left over.
    package func finish() throws(SnapshotError) {
        guard place == end else { throw unexpected("end", "\(end)", "\(end - place) more bytes") }
    }

    /// An error at the current position.
    package func unexpected(_ what: String, _ expected: String, _ actual: String) -> SnapshotError {
        .unexpected(place: place, what: what, expected: expected, actual: actual)
    }

    private func word(at place: Int) -> UInt64 {
        bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt64.self)) }
    }

    private mutating func advance(_ count: Int) throws(SnapshotError) -> Int {
        guard count <= end - place else { throw .truncated(place: place, expected: count, actual: end - place) }
        defer { place += count }
        return place
    }

    package mutating func word() throws(SnapshotError) -> UInt64 { word(at: try advance(8)) }
    package mutating func integer() throws(SnapshotError) -> Int { Int(Int64(bitPattern: try word())) }

    /// A whole number within `range`.
    package mutating func integer(_ what: String, in range: ClosedRange<Int>) throws(SnapshotError) -> Int {
        let start = place
        let value = try integer()
        guard range.contains(value) else {
            throw .unexpected(
                place: start, what: what, expected: "\(range.lowerBound) to \(range.upperBound)", actual: "\(value)")
        }
        return value
    }

    /// Of something that is counted on from here: at least 0, and far from where adding to it would overflow.
    package mutating func counter(_ what: String) throws(SnapshotError) -> Int {
        try integer(what, in: 0...Int.max / 2)
    }

    /// A finite number.
    package mutating func number() throws(SnapshotError) -> Double {
        let value = Double(bitPattern: try word())
        guard value.isFinite else { throw unexpected("number", "a finite value", "\(value)") }
        return value
    }

    /// A number within `range`.
    package mutating func number(_ what: String, in range: ClosedRange<Double>) throws(SnapshotError) -> Double {
        let start = place
        let value = try number()
        guard range.contains(value) else {
            throw .unexpected(
                place: start, what: what, expected: "\(range.lowerBound) to \(range.upperBound)", actual: "\(value)")
        }
        return value
    }

    package mutating func flag() throws(SnapshotError) -> Bool { try integer("flag", in: 0...1) == 1 }

    package mutating func text() throws(SnapshotError) -> String {
        let utf8 = try byteList()
        guard let text = String(validating: utf8, as: UTF8.self) else { throw unexpected("text", "UTF-8", "\(utf8)") }
        return text
    }

    package mutating func byteList() throws(SnapshotError) -> [UInt8] { Array(try byteSlice()) }

    /// A list of bytes that shares the memory of all.
    package mutating func byteSlice() throws(SnapshotError) -> ArraySlice<UInt8> {
        let count = try count(elementBytes: 1)
        let start = bytes.startIndex + (try advance(count))
        return bytes[start..<start + count]
    }

    /// The count of a list that is no longer than the bytes that are left.
    package mutating func count(elementBytes: Int) throws(SnapshotError) -> Int {
        let count = try integer("count", in: 0...Int.max)
        guard count <= (end - place) / elementBytes else {
            throw .truncated(place: place, expected: count, actual: end - place)
        }
        return count
    }

    /// Finite numbers, as many as `expected` where it is given.
    package mutating func floats(_ what: String, count expected: Int? = nil) throws(SnapshotError) -> [Float] {
        let count = try count(elementBytes: 4)
        try check(what, count: count, expected)
        let start = try advance(4 * count)
        let values = bytes.withUnsafeBytes { bytes in
            (0..<count).map { index in
                let word = bytes.loadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self)
                return Float(bitPattern: UInt32(littleEndian: word))
            }
        }
        if let odd = values.first(where: { !$0.isFinite }) { throw unexpected(what, "finite values", "\(odd)") }
        return values
    }

    package mutating func doubles(_ what: String, count expected: Int? = nil) throws(SnapshotError) -> [Double] {
        let count = try count(elementBytes: 8)
        try check(what, count: count, expected)
        var values: [Double] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try number()) }
        return values
    }

    package mutating func words(_ what: String, count expected: Int? = nil) throws(SnapshotError) -> [UInt64] {
        let count = try count(elementBytes: 8)
        try check(what, count: count, expected)
        var values: [UInt64] = []
        for _ in 0..<count { values.append(try word()) }
        return values
    }

    /// Whole numbers within `range`, as many as `expected` where it is given.
    package mutating func integers(
        _ what: String, in range: ClosedRange<Int> = Int.min...Int.max, count expected: Int? = nil
    ) throws(SnapshotError) -> [Int] {
        let values = try words(what, count: expected).map { Int(Int64(bitPattern: $0)) }
        if let odd = values.first(where: { !range.contains($0) }) {
            throw unexpected(what, "\(range.lowerBound) to \(range.upperBound)", "\(odd)")
        }
        return values
    }

    package mutating func list<Value>(
        _ read: (inout SnapshotReader) throws(SnapshotError) -> Value
    ) throws(SnapshotError) -> [Value] {
        let count = try count(elementBytes: 1)
        var values: [Value] = []
        for _ in 0..<count { values.append(try read(&self)) }
        return values
    }

    package mutating func optional<Value>(
        _ read: (inout SnapshotReader) throws(SnapshotError) -> Value
    ) throws(SnapshotError) -> Value? {
        try flag() ? try read(&self) : nil
    }

    /// Reads a value that must be the one given.
    package mutating func expect(_ expected: UInt64, _ what: String) throws(SnapshotError) {
        let start = place
        let actual = try word()
        guard actual == expected else {
            throw .unexpected(place: start, what: what, expected: "\(expected)", actual: "\(actual)")
        }
    }

    /// Reads a text that must be the one given.
    package mutating func expect(_ expected: String, _ what: String) throws(SnapshotError) {
        let start = place
        let actual = try text()
        guard actual == expected else {
            throw .unexpected(place: start, what: what, expected: "'\(expected)'", actual: "'\(actual)'")
        }
    }

    private func check(_ what: String, count: Int, _ expected: Int?) throws(SnapshotError) {
        guard let expected, expected != count else { return }
        throw unexpected(what, "\(expected) values", "\(count)")
    }
}
