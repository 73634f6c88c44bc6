import Foundation
import Safetensors
import Testing

@Suite struct SafetensorsTests {
    private func temporary() -> String { NSTemporaryDirectory() + "safetensors-\(UUID().uuidString)" }

    /// Writes a file with that header and so many bytes of data, opens it and removes it.
    private func open(header: String, data: Int, claimed: UInt64? = nil) throws -> SafetensorsFile {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var bytes = withUnsafeBytes(of: (claimed ?? UInt64(header.utf8.count)).littleEndian) { Data($0) }
        bytes += Data(header.utf8) + Data(repeating: 0, count: data)
        try bytes.write(to: URL(fileURLWithPath: path))
        return try SafetensorsFile(path: path)
    }

    @Test func roundTrip() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let tensors = [
            NewTensor(name: "b", shape: [2, 3], values: .float32([1, -2.5, 3, 0, .infinity, 0x1p-140])),
            NewTensor(name: "a \"quoted\"\n", shape: [], values: .float64([.pi])),
            NewTensor(name: "empty", shape: [0, 4], values: .float32([])),
        ]
        try writeSafetensors(tensors, metadata: ["note": "\\ and \u{1}", "a": "é"], to: path)
        let file = try SafetensorsFile(path: path)
        #expect(file.names == ["a \"quoted\"\n", "b", "empty"])
        #expect(file.metadata == ["note": "\\ and \u{1}", "a": "é"])
        #expect(try file.tensor(named: "b").shape == [2, 3])
        #expect(try file.tensor(named: "b").floats() == [1, -2.5, 3, 0, .infinity, 0x1p-140])
        #expect(try file.tensor(named: "a \"quoted\"\n").doubles() == [.pi])
        #expect(try file.tensor(named: "empty").floats() == [])
        let first = try Data(contentsOf: URL(fileURLWithPath: path))
        try writeSafetensors(tensors.reversed(), metadata: file.metadata, to: path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == first)
    }

    @Test func narrowTypesWiden() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let header =
            #"{"h":{"dtype":"F16","shape":[7],"data_offsets":[0,14]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[14,18]},"#
            + #""i":{"dtype":"I32","shape":[2],"data_offsets":[18,26]}}"#
        let halves: [UInt16] = [0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x8000, 0x03ff, 0x3fc0, 0xbf80]
        let integers: [Int32] = [-7, 1 << 20]
        var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) } + Data(header.utf8)
        halves.withUnsafeBytes { bytes += Data($0) }
        integers.withUnsafeBytes { bytes += Data($0) }
        try bytes.write(to: URL(fileURLWithPath: path))
        let file = try SafetensorsFile(path: path)
        #expect(
            try file.tensor(named: "h").floats()
                == [1, -2, 0x1p-24, 65504, .infinity, -0.0, 0x1.ff8p-15])
        #expect(try file.tensor(named: "b").doubles() == [1.5, -1])
        #expect(try file.tensor(named: "i").floats() == [-7, 1_048_576])
        #expect(try file.tensor(named: "i").integers() == [-7, 1_048_576])
        #expect(throws: SafetensorsError.elementType(path: path, tensor: "h", expected: "U8, I32 or I64", found: .f16))
        {
            try file.tensor(named: "h").integers()
        }
        #expect(throws: SafetensorsError.missingTensor(path: path, tensor: "x")) { try file.tensor(named: "x") }
    }

    @Test(arguments: [
        // Not JSON, not an object, and fields of the wrong kind.
        ("{", 0), ("[]", 0), (#"{"a":1}"#, 0), (#"{"a":{"dtype":"F32","shape":[1]}}"#, 4),
        (#"{"a":{"dtype":"F32","shape":["x"],"data_offsets":[0,4]}}"#, 4),
        (#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,6]}}"#, 6),
        (#"{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}"#, 4),
        (#"{"__metadata__":{"a":1}}"#, 0),
        // Offsets out of range, reversed, negative, overflowing, of the wrong number.
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}"#, 4),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}}"#, 4),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4),
        // Shapes that do not fit the bytes.
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4),
        (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4),
        (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0),
        // Overlap, hole, trailing bytes.
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            4
        ),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5),
    ]) func damagedHeadersAreRefused(_ header: String, _ data: Int) throws {
        #expect {
            try open(header: header, data: data)
        } throws: { error in
            if case .damaged = error as? SafetensorsError { true } else { false }
        }
    }

    @Test(arguments: [0, 3, 1 << 40, UInt64.max]) func wrongHeaderLengthsAreRefused(_ length: UInt64) throws {
        #expect(throws: SafetensorsError.self) {
            try open(header: #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 4, claimed: length)
        }
    }

    @Test func everyTruncationIsRefused() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try writeSafetensors([NewTensor(name: "a", shape: [3], values: .float32([1, 2, 3]))], to: path)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for count in 0..<whole.count {
            try whole.prefix(count).write(to: URL(fileURLWithPath: path))
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
        }
        try whole.dropLast().write(to: URL(fileURLWithPath: path))
        #expect(
            throws: SafetensorsError.damaged(
                path: path,
                "it is cut off, or its header claims too much: the tensors take 12 bytes, 11 are there; copy or download it again"
            )
        ) { try SafetensorsFile(path: path) }
    }

    @Test(arguments: [
        // Type, elements as they lie in the file, how many are not finite, the first of them and its index in [2, 2].
        ("F32", words([0x3f80_0000, 0x7fc0_0000, 0, 0xff80_0000] as [UInt32]), 2, "nan", [0, 1]),
        ("F16", words([0x3c00, 0x7bff, 0x7c00, 0x0001] as [UInt16]), 1, "inf", [1, 0]),
        ("BF16", words([0x3f80, 0xff80, 0x7f80, 0x7fc0] as [UInt16]), 3, "-inf", [0, 1]),
        ("F64", words([0, 0, 0, Double.nan.bitPattern]), 1, "nan", [1, 1]),
        // Finite, but not in float32.
        ("F64", words([1e39.bitPattern, 0, 0, 0]), 1, "inf", [0, 0]),
    ]) func valuesThatAreNotFiniteAreCountedAndPlaced(
        _ type: String, _ bytes: [UInt8], _ count: Int, _ first: String, _ index: [Int]
    ) throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let header = #"{"a":{"dtype":"\#(type)","shape":[2,2],"data_offsets":[0,\#(bytes.count)]}}"#
        let file = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) } + Data(header.utf8) + bytes
        try file.write(to: URL(fileURLWithPath: path))
        let tensor = try SafetensorsFile(path: path).tensor(named: "a")
        #expect(try tensor.floats().count == 4)
        #expect(
            throws: SafetensorsError.notFinite(
                path: path, tensor: "a", count: count, of: 4, first: first, index: index)
        ) { try tensor.finiteFloats() }
    }

    @Test func finiteValuesPass() throws {
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let values: [Float] = [.greatestFiniteMagnitude, -0.0, .leastNonzeroMagnitude]
        try writeSafetensors([NewTensor(name: "a", shape: [3], values: .float32(values))], to: path)
        #expect(try SafetensorsFile(path: path).tensor(named: "a").finiteFloats() == values)
    }

    @Test func unreadableAndUnwritablePlacesAreReported() throws {
        #expect(throws: SafetensorsError.unreadable(path: "/none/such", "No such file or directory")) {
            try SafetensorsFile(path: "/none/such")
        }
        #expect(throws: SafetensorsError.unreadable(path: "/", "expected a file, found a folder")) {
            try SafetensorsFile(path: "/")
        }
        #expect(throws: SafetensorsError.unreadable(path: "/dev/null", "expected a file, found a device")) {
            try SafetensorsFile(path: "/dev/null")
        }
        #expect(throws: SafetensorsError.unwritable(path: "/none/such", "No such file or directory")) {
            try writeSafetensors([], to: "/none/such")
        }
        let uneven = NewTensor(name: "a", shape: [2], values: .float32([1]))
        #expect(throws: SafetensorsError.invalidTensor(tensor: "a", "shape [2] does not fit 1 values")) {
            try writeSafetensors([uneven], to: temporary())
        }
    }
}

private func words<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
    words.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
}
