import Dispatch
import Synchronization

/// What becomes of images that cannot be read when a data set is loaded.
public enum UnreadableImages: String, Hashable, Sendable, CaseIterable {
    /// The data set is refused, with a list of them.
    case refuse
    /// They are left out, and counted in `ImageDataset.omitted`.
    case skip
}

extension ImageDataset {
    /// Reads images on all cores, to find those that cannot be read.
    ///
    /// - Parameter indices: the images to try, such as a sample; nil tries all.
    /// - Returns: those that cannot be read, in the order of `indices`.
    public func unreadableImages(among indices: [Int]? = nil) -> [UnreadableImage] {
        let indices = indices ?? Array(0..<count)
        let found = Mutex<[(place: Int, image: UnreadableImage)]>([])
        DispatchQueue.concurrentPerform(iterations: indices.count) { place in
            let index = indices[place]
            do throws(DatasetError) {
                try withPixels(of: index) { _, _ in }
            } catch {
                let image = UnreadableImage(index: index, place: self.place(of: index), reason: error.reason)
                found.withLock { $0.append((place, image)) }
            }
        }
        return found.withLock { $0.sorted { $0.place < $1.place }.map(\.image) }
    }

    /// Unreadable images that an error lists one by one.
    private static let mostListed = 10

    func refusal(for unreadable: [UnreadableImage]) -> DatasetError {
        .unreadableImages(
            dataset: name, first: Array(unreadable.prefix(Self.mostListed)), count: unreadable.count, of: count)
    }
}
