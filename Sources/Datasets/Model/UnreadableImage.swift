/// An image that cannot be read.
public struct UnreadableImage: Hashable, Sendable, CustomStringConvertible {
    /// Among the images of the data set.
    public var index: Int
    /// Its file, or its number where a file holds many.
    public var place: String
    /// What was expected and what came.
    public var reason: String

    public var description: String { "\(place): \(reason)" }
}
