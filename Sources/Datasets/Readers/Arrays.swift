import Foundation
import Safetensors

extension ImageDataset {
    /// Reads a safetensors file with `images`, U8 of [images, height, width, channels] or [images, channels, height,
    /// width] (or without channels), and `labels`, integers of [images]. The file is mapped, not read.
    ///
    /// - Parameter classCount: labels are below it.
    /// - Throws: `SafetensorsError` or `DatasetError`.
    public static func arrays(name: String, file path: String, classCount: Int) throws -> ImageDataset {
        let file = try SafetensorsFile(path: path)
        let images = try file.tensor(named: "images")
        guard images.type == .u8 else {
            throw SafetensorsError.elementType(path: path, tensor: "images", expected: "U8", found: images.type)
        }
        let labels = try labels(in: file)
        guard let (shape, isInterleaved) = layout(of: images.shape), images.shape[0] == labels.count else {
            throw DatasetError.damaged(
                file: path, offset: 0,
                problem:
                    "expected images [\(labels.count), height, width, channels] or [\(labels.count), channels, height,"
                    + " width] with 1 or 3 channels for as many labels, found \(images.shape)")
        }
        if let place = labels.firstIndex(where: { !(0..<classCount).contains($0) }) {
            throw DatasetError.damaged(
                file: path, offset: 0,
                problem: "expected labels from 0 to \(classCount - 1), found \(labels[place]) for image \(place)")
        }
        return ImageDataset(
            name: name, classNames: (0..<classCount).map(String.init), labels: labels,
            parts: [
                RawImages(
                    file: path, bytes: images.data, start: 0, stride: shape.byteCount, count: labels.count,
                    shape: shape, isInterleaved: isInterleaved)
            ])
    }

    /// One more than the largest label.
    static func classCount(ofArrays path: String) throws -> Int {
        let labels = try labels(in: SafetensorsFile(path: path))
        guard let largest = labels.max(), largest >= 0, largest < 1 << 20 else {
            throw DatasetError.damaged(
                file: path, offset: 0, problem: "expected labels from 0 to \(1 << 20 - 1), found none or others")
        }
        return largest + 1
    }

    private static func labels(in file: SafetensorsFile) throws -> [Int] {
        let labels = try file.tensor(named: "labels")
        guard labels.shape.count == 1 else {
            throw DatasetError.damaged(
                file: file.path, offset: 0, problem: "expected labels [images], found \(labels.shape)")
        }
        return try labels.integers()
    }

    private static func layout(of shape: [Int]) -> (shape: ImageShape, isInterleaved: Bool)? {
        guard shape.allSatisfy({ $0 > 0 }) else { return nil }
        if shape.count == 3 { return (ImageShape(channels: 1, height: shape[1], width: shape[2]), false) }
        guard shape.count == 4 else { return nil }
        if [1, 3].contains(shape[3]) {
            return (ImageShape(channels: shape[3], height: shape[1], width: shape[2]), true)
        }
        if [1, 3].contains(shape[1]) {
            return (ImageShape(channels: shape[1], height: shape[2], width: shape[3]), false)
        }
        return nil
    }
}
