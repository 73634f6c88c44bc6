import Files
import Foundation

/// A tensor to be written.
public struct NewTensor: Sendable {
    /// The elements in row-major order, of one type.
    public enum Values: Sendable {
        case float32([Float])
        case float64([Double])
    }
    public let name: String
    public let shape: [Int]
    public let values: Values

    public init(name: String, shape: [Int], values: Values) {
        self.name = name
        self.shape = shape
        self.values = values
    }

    fileprivate var type: ElementType {
        switch values {
        case .float32: .f32
        case .float64: .f64
        }
    }

    fileprivate var bytes: Data {
        switch values {
        case .float32(let values): values.map { $0.bitPattern.littleEndian }.withUnsafeBytes { Data($0) }
        case .float64(let values): values.map { $0.bitPattern.littleEndian }.withUnsafeBytes { Data($0) }
        }
    }
}

/// Writes a safetensors file: float64 before float32, so that every tensor is aligned, and each ascending by name.
/// Equal arguments give equal bytes. The file appears whole or not at all: it is written under another name and
/// renamed.
///
/// - Throws: `SafetensorsError.invalidTensor` or `.unwritable`.
public func writeSafetensors(
    _ tensors: [NewTensor], metadata: [String: String] = [:], to path: String
) throws(SafetensorsError) {
    let ordered = tensors.sorted { ($1.type.size, $0.name) < ($0.type.size, $1.name) }
    var taken: Set<String> = [SafetensorsHeader.metadataName]
    var header = "{"
    if !metadata.isEmpty {
        let entries = metadata.sorted { $0.key < $1.key }.map { "\(jsonString($0.key)):\(jsonString($0.value))" }
        header += "\(jsonString(SafetensorsHeader.metadataName)):{\(entries.joined(separator: ","))}"
    }
    var body = Data()
    for tensor in ordered {
        let bytes = tensor.bytes
        guard taken.insert(tensor.name).inserted else {
            throw .invalidTensor(tensor: tensor.name, "its name is taken")
        }
        guard tensor.type.byteCount(of: tensor.shape) == bytes.count else {
            throw .invalidTensor(
                tensor: tensor.name, "shape \(tensor.shape) does not fit \(bytes.count / tensor.type.size) values")
        }
        if header.count > 1 { header += "," }
        let shape = tensor.shape.map(String.init).joined(separator: ",")
        header += "\(jsonString(tensor.name)):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
        header += "\"data_offsets\":[\(body.count),\(body.count + bytes.count)]}"
        body += bytes
    }
    header += "}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    var file = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    file += Data(header.utf8)
    file += body
    do {
        try AtomicFile.replace(path, with: file, mode: 0o644, syncs: true)
    } catch {
        throw .unwritable(path: path, error.reason)
    }
}

/// A string as JSON, with the escapes that JSON asks for.
private func jsonString(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case _ where scalar.value < 0x20:
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
