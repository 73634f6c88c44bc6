import Foundation

/// A safetensors file, mapped into memory and checked when it is opened: every tensor lies within the file, has as many
/// bytes as its shape asks for, and shares none with another.
///
/// The format: 8 bytes with the header's length (little-endian), the header as JSON, the tensors' bytes.
public struct SafetensorsFile: Sendable {
    public let path: String
    /// The free text entries of the header's `__metadata__`.
    public let metadata: [String: String]
    /// The names of all tensors, ascending.
    public let names: [String]

    private let mapping: FileMapping
    private let tensors: [String: SafetensorsTensor]

    /// The longest header that is read, in bytes; the same bound as the reference implementation's.
    static let longestHeader = 100_000_000

    /// - Throws: `SafetensorsError` when the file cannot be read or is not a whole safetensors file.
    public init(path: String) throws {
        let mapping = try FileMapping(path: path)
        let header = try Self.header(of: mapping, path: path)
        let dataStart = 8 + header.byteCount
        self.path = path
        self.mapping = mapping
        metadata = header.content.metadata
        names = header.content.entries.keys.sorted()
        tensors = try Self.tensors(of: header.content, in: mapping, dataStart: dataStart, path: path)
        try Self.checkLayout(Array(tensors.values), dataStart: dataStart, mapping: mapping, path: path)
    }

    /// - Throws: `SafetensorsError.missingTensor` when there is no tensor of that name.
    public func tensor(named name: String) throws(SafetensorsError) -> SafetensorsTensor {
        guard let tensor = tensors[name] else { throw .missingTensor(path: path, tensor: name) }
        return tensor
    }

    /// Whether the file has a tensor of that name.
    public func contains(_ name: String) -> Bool { tensors[name] != nil }

    private static func header(
        of mapping: FileMapping, path: String
    ) throws(SafetensorsError) -> (content: SafetensorsHeader, byteCount: Int) {
        func refuse(_ problem: String) -> SafetensorsError {
            ForeignFormat(mapping.bytes).map { .foreign(path: path, $0) } ?? .damaged(path: path, problem)
        }
        guard mapping.bytes.count >= 8 else { throw refuse("expected at least 8 bytes, found \(mapping.bytes.count)") }
        let length = UInt64(littleEndian: mapping.bytes.loadUnaligned(as: UInt64.self))
        let room = min(mapping.bytes.count - 8, longestHeader)
        guard length <= UInt64(room) else {
            throw refuse(
                "its first bytes announce a header of \(length) bytes, there is room for \(room): it is cut off, or no"
                    + " such file at all; copy or download it again")
        }
        let bytes = Data(mapping.bytes[8..<8 + Int(length)])
        do {
            return (try JSONDecoder().decode(SafetensorsHeader.self, from: bytes), Int(length))
        } catch let problem as DecodingError {
            throw refuse("the header is not the expected JSON: \(problem.sentence)")
        } catch {
            throw refuse("the header is not JSON: \(error)")
        }
    }

    /// Whoever copies a file in part has its header and not all of its tensors.
    private static func checkEnd(
        of header: SafetensorsHeader, in mapping: FileMapping, dataStart: Int, path: String
    ) throws(SafetensorsError) {
        let end = header.entries.values.compactMap(\.offsets.last).max() ?? 0
        guard end > mapping.bytes.count - dataStart else { return }
        throw .damaged(
            path: path,
            "it is cut off, or its header claims too much: the tensors take \(end) bytes,"
                + " \(mapping.bytes.count - dataStart) are there; copy or download it again")
    }

    private static func tensors(
        of header: SafetensorsHeader, in mapping: FileMapping, dataStart: Int, path: String
    ) throws(SafetensorsError) -> [String: SafetensorsTensor] {
        try checkEnd(of: header, in: mapping, dataStart: dataStart, path: path)
        var tensors: [String: SafetensorsTensor] = [:]
        for (name, entry) in header.entries {
            func refuse(_ problem: String) -> SafetensorsError {
                .damaged(path: path, "tensor '\(name)': \(problem)")
            }
            guard let type = ElementType(rawValue: entry.dtype) else {
                throw refuse("unknown element type '\(entry.dtype)'")
            }
            guard entry.offsets.count == 2, entry.offsets[0] >= 0, entry.offsets[0] <= entry.offsets[1],
                entry.offsets[1] <= mapping.bytes.count - dataStart
            else {
                throw refuse(
                    "expected offsets within 0...\(mapping.bytes.count - dataStart), found \(entry.offsets)")
            }
            let found = entry.offsets[1] - entry.offsets[0]
            guard let expected = type.byteCount(of: entry.shape), expected == found else {
                throw refuse(
                    "shape \(entry.shape) of \(type.rawValue) takes \(type.byteCount(of: entry.shape).map(String.init) ?? "too many") bytes, its offsets hold \(found)"
                )
            }
            let start = dataStart + entry.offsets[0]
            tensors[name] = SafetensorsTensor(
                path: path, name: name, type: type, shape: entry.shape, mapping: mapping, place: start..<start + found)
        }
        return tensors
    }

    /// The format asks that the tensors fill the space after the header without holes or overlaps.
    private static func checkLayout(
        _ tensors: [SafetensorsTensor], dataStart: Int, mapping: FileMapping, path: String
    ) throws(SafetensorsError) {
        var end = dataStart
        let inOrder = tensors.sorted {
            ($0.place.lowerBound, $0.place.upperBound) < ($1.place.lowerBound, $1.place.upperBound)
        }
        for tensor in inOrder {
            guard tensor.place.lowerBound == end else {
                throw .damaged(
                    path: path,
                    "tensor '\(tensor.name)' starts at byte \(tensor.place.lowerBound), the one before it ends at \(end)"
                )
            }
            end = tensor.place.upperBound
        }
        guard end == mapping.bytes.count else {
            throw .damaged(path: path, "the tensors end at byte \(end), the file has \(mapping.bytes.count)")
        }
    }
}

/// The JSON header: one object a tensor, and `__metadata__`.
struct SafetensorsHeader: Decodable {
    struct Entry: Decodable {
        let dtype: String
        let shape: [Int]
        let offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    struct Name: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    static let metadataName = "__metadata__"

    var metadata: [String: String] = [:]
    var entries: [String: Entry] = [:]

    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Name.self)
        for name in object.allKeys {
            if name.stringValue == Self.metadataName {
                metadata = try object.decode([String: String].self, forKey: name)
            } else {
                entries[name.stringValue] = try object.decode(Entry.self, forKey: name)
            }
        }
    }
}

extension DecodingError {
    /// Where and what, without the nested objects that `description` prints.
    fileprivate var sentence: String {
        let context: Context? =
            switch self {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
                .dataCorrupted(let context):
                context
            @unknown default: nil
            }
        guard let context else { return String(describing: self) }
        let place = context.codingPath.map(\.stringValue).joined(separator: " / ")
        return place.isEmpty ? context.debugDescription : "\(place): \(context.debugDescription)"
    }
}
