/// The name of a participant with its own data.
public struct ClientID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public var description: String { name }
    public static func < (a: ClientID, b: ClientID) -> Bool { a.name < b.name }
}
