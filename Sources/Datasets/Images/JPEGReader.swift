import CTurboJPEG

/// A JPEG file by libjpeg-turbo's TurboJPEG interface, which catches the library's errors itself.
struct JPEGReader {
    private let bytes: [UInt8]
    private let path: String
    private let markers: JPEGMarkers
    private let components: Int
    /// Gray where the file has one component.
    let shape: ImageShape

    /// - Throws: `DatasetError.damaged` without a header, `DatasetError.unsupported` for one of another kind.
    init(_ bytes: [UInt8], _ path: String) throws(DatasetError) {
        markers = JPEGMarkers(bytes)
        guard let frame = markers.frame else {
            throw ImageFile.damage(path, "expected the frame header of a JPEG file, found none")
        }
        if let problem = Self.problem(frame) { throw .unsupported(file: path, problem: problem) }
        try ImageFile.checkSize(path, width: frame.width, height: frame.height)
        self.bytes = bytes
        self.path = path
        components = frame.components
        shape = ImageShape(channels: components == 1 ? 1 : 3, height: frame.height, width: frame.width)
    }

    /// What the library, or any decoder of 8 bits, does not read.
    private static func problem(_ frame: JPEGMarkers.Frame) -> String? {
        switch frame.process {
        case 0xc0...0xc2, 0xc9, 0xca: break
        case 0xc3, 0xcb: return "expected a JPEG file with loss, found a lossless one"
        default: return "expected a sequential or progressive JPEG file, found a hierarchical one"
        }
        guard frame.precision == 8 else {
            return "expected a JPEG file of 8 bits a sample, found \(frame.precision) bits"
        }
        guard [1, 3, 4].contains(frame.components) else {
            return "expected a JPEG file of 1, 3 or 4 components, found \(frame.components)"
        }
        return frame.height == 0 ? "expected a height in the JPEG file's frame header, found none" : nil
    }

    /// [height, width, channels]. Four components (CMYK, YCCK) become red, green and blue.
    func pixels() throws(DatasetError) -> [UInt8] {
        guard let handle = tjInitDecompress() else { throw ImageFile.damage(path, "libjpeg-turbo could not start") }
        defer { tjDestroy(handle) }
        let format = components == 1 ? TJPF_GRAY : components == 3 ? TJPF_RGB : TJPF_CMYK
        var pixels = [UInt8](repeating: 0, count: components * shape.height * shape.width)
        let status = bytes.withUnsafeBufferPointer { bytes in
            tjDecompress2(
                handle, bytes.baseAddress, CUnsignedLong(bytes.count), &pixels, CInt(shape.width), 0,
                CInt(shape.height), CInt(format.rawValue), TJFLAG_LIMITSCANS)
        }
        if status != 0 { try judge(handle) }
        return components == 4 ? Self.colours(ofInks: pixels) : pixels
    }

    /// Warnings of the library that put no pixel in doubt; Pillow reads such files too.
    private static let harmless = [
        "extraneous bytes before marker", "unknown JFIF revision number", "Unknown Adobe color transform code",
        "Invalid SOS parameters for sequential JPEG",
    ]

    private func judge(_ handle: tjhandle) throws(DatasetError) {
        guard markers.isWhole else {
            throw ImageFile.damage(path, "the JPEG data ends early, without the mark of its end")
        }
        let reason = String(cString: tjGetErrorStr2(handle))
        let isWarning = tjGetErrorCode(handle) == CInt(TJERR_WARNING.rawValue)
        if isWarning, Self.harmless.contains(where: reason.contains) { return }
        throw ImageFile.damage(path, "the JPEG data cannot be decoded: \(reason)")
    }

    /// Inks as Adobe's programs write them, 255 for none, to colours as Pillow takes them.
    private static func colours(ofInks inks: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: inks.count / 4 * 3) { colours, count in
            for pixel in 0..<inks.count / 4 {
                let light = Int(inks[4 * pixel + 3])
                for channel in 0..<3 {
                    // (255 - ink) * light / 255, rounded.
                    let product = (255 - Int(inks[4 * pixel + channel])) * light + 128
                    colours[3 * pixel + channel] = UInt8(light - ((product + (product >> 8)) >> 8))
                }
            }
            count = inks.count / 4 * 3
        }
    }
}
