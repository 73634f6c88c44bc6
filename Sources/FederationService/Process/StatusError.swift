/// Why nothing is known of a federation.
public struct StatusError: Error, CustomStringConvertible, Equatable {
    public let description: String
    init(_ description: String) { self.description = description }
}
