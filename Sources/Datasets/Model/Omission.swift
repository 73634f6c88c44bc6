/// What a reader left out of a data set, for one reason.
public struct Omission: Hashable, Sendable, CustomStringConvertible {
    /// Why it was left out; the raw value is for a person.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        case unreadable = "images that cannot be read"
        case nested = "images in folders within a class's folder"
        case withoutClass = "images without a class"
        case otherSplit = "images of a split that is not used"
        case notImages = "files that are no images by their names"
        case emptyFolders = "folders without images"
        case hidden = "hidden files and folders, and those of operating systems"
    }

    public var reason: Reason
    /// Of images, files or folders, as the reason says.
    public var count: Int
    /// Some of them, ascending: paths below the data set's folder, or what else says where and why.
    public var examples: [String]
    /// Whether there are more.
    public var hasMore: Bool

    public var description: String {
        "\(count) left out, \(reason.rawValue): \(examples.joined(separator: ", "))\(hasMore ? ", …" : "")"
    }
}

/// Counts what is left out.
struct OmissionCounter {
    /// Examples that are kept for each reason.
    private static let mostExamples = 5

    private var entries: [Omission.Reason: Omission] = [:]

    mutating func add(_ reason: Omission.Reason, _ example: String, count: Int = 1) {
        add([Omission(reason: reason, count: count, examples: [example], hasMore: false)])
    }

    mutating func add(_ omissions: [Omission]) {
        for omission in omissions {
            guard var sum = entries[omission.reason] else {
                entries[omission.reason] = omission
                continue
            }
            let examples = (sum.examples + omission.examples).sorted()
            sum.count += omission.count
            sum.examples = Array(examples.prefix(Self.mostExamples))
            sum.hasMore = sum.hasMore || omission.hasMore || examples.count > Self.mostExamples
            entries[omission.reason] = sum
        }
    }

    /// In the order of the reasons.
    var omissions: [Omission] { Omission.Reason.allCases.compactMap { entries[$0] } }
}
