/// What a file is that was taken for a safetensors file, recognised by its first bytes.
public enum ForeignFormat: Hashable, Sendable, CustomStringConvertible {
    case empty
    /// Only zeros, as a download leaves behind that reserved its space and stopped.
    case zeros
    /// What Git leaves in a working copy when Git LFS is not installed; the size of the real file, where it says so.
    case gitLFSPointer(bytes: Int?)
    case webPage
    /// What `torch.save` writes today: a ZIP archive around a pickle.
    case torchArchive
    /// What `torch.save` wrote before version 1.6, or any other pickle.
    case pickle
    case numpyArray
    case numpyArchive
    case gguf
    case hdf5
    case zip
    case gzip
    case tar
    case json
    /// Characters alone, such as a table.
    case text

    /// The format that the bytes begin as; nil when it is none of these.
    init?(_ bytes: UnsafeRawBufferPointer) {
        func begins(_ mark: [UInt8], at place: Int = 0) -> Bool {
            bytes.count >= place + mark.count && bytes[place..<place + mark.count].elementsEqual(mark)
        }
        if bytes.isEmpty {
            self = .empty
        } else if bytes.count >= 8, bytes.prefix(4096).allSatisfy({ $0 == 0 }) {
            self = .zeros
        } else if begins(Array("PK\u{3}\u{4}".utf8)) {
            self = Self.archive(firstEntry: Self.text(bytes.dropFirst(30).prefix(200)))
        } else if bytes.count >= 2, bytes[0] == 0x80, 2...5 ~= bytes[1] {
            self = .pickle
        } else if begins([0x93] + Array("NUMPY".utf8)) {
            self = .numpyArray
        } else if begins(Array("GGUF".utf8)) {
            self = .gguf
        } else if begins([0x89] + Array("HDF\r\n".utf8)) {
            self = .hdf5
        } else if begins([0x1f, 0x8b]) {
            self = .gzip
        } else if begins(Array("ustar".utf8), at: 257) {
            self = .tar
        } else {
            self.init(text: Self.text(bytes.prefix(512)), isText: bytes.prefix(64).allSatisfy(Self.isOfText))
        }
    }

    /// Whether a text may hold a byte: no control character but blanks and line ends.
    private static func isOfText(_ byte: UInt8) -> Bool { (0x20...).contains(byte) && byte != 0x7f || 9...13 ~= byte }

    private init?(text: String, isText: Bool) {
        let start = text.drop { $0.isWhitespace || $0 == "\u{feff}" }.lowercased()
        if start.hasPrefix("version https://git-lfs.github.com/spec/") {
            let size = start.split(whereSeparator: \.isNewline).first { $0.hasPrefix("size ") }
            self = .gitLFSPointer(bytes: size.flatMap { Int($0.dropFirst("size ".count)) })
        } else if ["<!doctype html", "<html", "<head", "<?xml"].contains(where: start.hasPrefix) {
            self = .webPage
        } else if start.hasPrefix("{") || start.hasPrefix("[") {
            self = .json
        } else if isText {
            self = .text
        } else {
            return nil
        }
    }

    /// A ZIP archive, by the name of its first file.
    private static func archive(firstEntry name: String) -> ForeignFormat {
        if name.contains(".npy") { return .numpyArchive }
        return ["/data.pkl", "/.format_version", "/version", "/byteorder"].contains { name.contains($0) }
            ? .torchArchive : .zip
    }

    private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    public var description: String {
        switch self {
        case .empty: "an empty file"
        case .zeros: "a file of zeros"
        case .gitLFSPointer(let bytes): "a Git LFS pointer" + (bytes.map { " to a file of \($0) bytes" } ?? "")
        case .webPage: "a web page"
        case .torchArchive: "a PyTorch checkpoint"
        case .pickle: "a Python pickle, as older PyTorch checkpoints are"
        case .numpyArray: "a NumPy array"
        case .numpyArchive: "a NumPy archive"
        case .gguf: "a GGUF file"
        case .hdf5: "an HDF5 file"
        case .zip: "a ZIP archive"
        case .gzip: "a gzip archive"
        case .tar: "a tar archive"
        case .json: "a JSON text"
        case .text: "a text"
        }
    }

    /// What the user can do.
    var remedy: String {
        switch self {
        case .empty, .zeros: "copy or download it again"
        case .gitLFSPointer: "fetch the file itself with 'git lfs pull', or download it"
        case .webPage: "download the file itself (on a hub, the link with /resolve/ in place of /blob/)"
        case .torchArchive, .pickle: "load it in PyTorch and write its tensors with safetensors.torch.save_file"
        case .numpyArray, .numpyArchive: "load it in NumPy and write its arrays with safetensors.numpy.save_file"
        case .gguf: "take the safetensors files that the model was converted from"
        case .hdf5: "take the model's safetensors file, or write its tensors with safetensors.numpy.save_file"
        case .zip, .gzip, .tar: "unpack it"
        case .text: "take the file with the tensors"
        case .json: "take the file with the tensors; an index of shards is named *.safetensors.index.json"
        }
    }
}
