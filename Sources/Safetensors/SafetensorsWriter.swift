import Foundation

/// A tensor to be written.
public struct NewTensor: Sendable {
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

/// Writes a safetensors file: float64 before float32, so that every tensor is aligned, and each ascending by name. Equal
/// arguments give equal bytes. The file appears whole or not at all: it is written beside its place and renamed.
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
    try replaceFile(at: path, with: file)
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

/// Writes beside `path`, waits until the bytes are on the disk, and renames.
private func replaceFile(at path: String, with bytes: Data) throws(SafetensorsError) {
    let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).part"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .unwritable(path: path, String(cString: strerror(errno))) }
    var written = bytes.withUnsafeBytes { buffer in
        var done = 0
        while done < buffer.count {
            let count = write(descriptor, buffer.baseAddress! + done, buffer.count - done)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
    written = written && fsync(descriptor) == 0
    var code = errno
    close(descriptor)
    if written && rename(temporary, path) == 0 { return }
    if written { code = errno }
    unlink(temporary)
    throw .unwritable(path: path, String(cString: strerror(code)))
}
