/// The name of a participant with its own data.
public struct ClientID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public var description: String { name }
    /// Whether a name may hold this byte of ASCII: it is a topic, a folder and a word of a list as it stands.
    public static func mayHold(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// Whether somebody may be given this name: what the wire accepts, without a dot at the front, as folders and files are
    /// named so too.
    public static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && !text.hasPrefix(".") && text.utf8.allSatisfy(mayHold)
    }

    /// `isName` in words.
    public static let naming = "1 to 64 characters of A-Z a-z 0-9 . _ -, none of them a dot at the front"

    public static func < (a: ClientID, b: ClientID) -> Bool { a.name < b.name }
}
