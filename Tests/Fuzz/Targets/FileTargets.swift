import Datasets
import FaultSimulation
import Foundation
import Safetensors
import Synchronization

/// Every tensor of a file that opens can be read, with as many elements as its shape says.
func trySafetensors(_ bytes: UnsafeRawBufferPointer) {
    withFiles([Array(bytes)]) { paths in
        do {
            let file = try SafetensorsFile(path: paths[0])
            for name in file.names {
                let tensor = try file.tensor(named: name)
                let expected = tensor.shape.reduce(1, *)
                if tensor.elementCount != expected {
                    violated("\(name): \(tensor.elementCount) of \(expected) elements")
                }
                for count in [try? tensor.floats().count, try? tensor.doubles().count, try? tensor.integers().count] {
                    if let count, count != expected { violated("\(name): \(count) of \(expected) values") }
                }
            }
        } catch { named(error, as: SafetensorsError.self) }
    }
}

/// The first byte chooses the reader, two more where the first file ends; every image of what opens can be read.
func tryDatasets(_ bytes: UnsafeRawBufferPointer) {
    var source = ByteSource(bytes)
    let choice = source.byte()
    let first = source.bytes(Int(source.integer(2)))
    let classes = ["a", "b", "c"]
    withFiles([first, source.remainder()]) { paths in
        do {
            let dataset: ImageDataset
            switch choice % 3 {
            case 0: dataset = try .idx(name: "fuzz", classNames: classes, images: paths[0], labels: paths[1])
            case 1:
                dataset = try .records(
                    name: "fuzz", classNames: classes, files: paths, height: 2, width: 3, channels: 3)
            default:
                dataset = try .records(
                    name: "fuzz", classNames: classes, files: [paths[0]], height: 1, width: 1, channels: 1,
                    labelBytes: 2,
                    labelByte: 1)
            }
            for index in 0..<min(dataset.count, 1000) {
                let size = try dataset.shape(of: index).byteCount
                if try dataset.pixels(of: index).count != size { violated("an image of another size") }
                if !dataset.classNames.indices.contains(dataset.labels[index]) { violated("a label without a class") }
            }
        } catch { named(error, as: DatasetError.self) }
    }
}

/// A refusal is one of the reader's own, and says something.
func named<Refusal: Error>(_ error: any Error, as _: Refusal.Type) {
    if !(error is Refusal) || "\(error)".isEmpty { violated("refused by an error of another kind: \(error)") }
}

/// Files that exist for one call; in memory where the system has a folder for such.
private func withFiles(_ contents: [[UInt8]], _ body: ([String]) -> Void) {
    let folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : NSTemporaryDirectory()
    let name = "\(folder)impromptu-fuzz-\(getpid())-\(calls.add(1, ordering: .relaxed).newValue)"
    let paths = contents.indices.map { "\(name)-\($0)" }
    for (path, content) in zip(paths, contents) {
        guard let file = fopen(path, "w"), fwrite(content, 1, content.count, file) == content.count, fclose(file) == 0
        else { violated("\(path): cannot write") }
    }
    body(paths)
    for path in paths { unlink(path) }
}

private let calls = Atomic<Int>(0)
