import CZeroMQ

/// The public half of a CURVE key: 32 bytes, written as 40 characters (Z85).
public struct CurvePublicKey: Hashable, Sendable, CustomStringConvertible {
    let bytes: [UInt8]

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Nil unless the text is 40 characters of the Z85 alphabet.
    public init?(z85: String) {
        guard let bytes = Z85.decode(z85) else { return nil }
        self.bytes = bytes
    }

    public var z85: String { Z85.encode(bytes) }
    public var description: String { z85 }
}

/// The secret half of a CURVE key. It does not print itself.
public struct CurveSecretKey: Sendable, CustomStringConvertible, CustomReflectable {
    let bytes: [UInt8]

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Nil unless the text is 40 characters of the Z85 alphabet.
    public init?(z85: String) {
        guard let bytes = Z85.decode(z85) else { return nil }
        self.bytes = bytes
    }

    /// A new random key.
    /// - Throws: `TransportError` if ZeroMQ was built without CURVE.
    public static func generate() throws(TransportError) -> CurveSecretKey {
        var publicText = [CChar](repeating: 0, count: Z85.keyLength + 1)
        var secretText = publicText
        guard zmq_curve_keypair(&publicText, &secretText) == 0 else { throw .current(.createKey) }
        let text = String(decoding: secretText.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let bytes = Z85.decode(text) else { throw TransportError(operation: .createKey, code: EINVAL) }
        return CurveSecretKey(bytes: bytes)
    }

    /// The half that belongs to it.
    /// - Throws: `TransportError` if ZeroMQ was built without CURVE.
    public func publicKey() throws(TransportError) -> CurvePublicKey {
        var text = [CChar](repeating: 0, count: Z85.keyLength + 1)
        guard zmq_curve_public(&text, z85) == 0 else { throw .current(.createKey) }
        let z85 = String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let key = CurvePublicKey(z85: z85) else { throw TransportError(operation: .createKey, code: EINVAL) }
        return key
    }

    /// For a key file. Keep it from logs.
    public var z85: String { Z85.encode(bytes) }
    public var description: String { "a secret key" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

private enum Z85 {
    static let keyLength = 40
    static let keyBytes = 32

    static func encode(_ key: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: keyLength + 1)
        zmq_z85_encode(&text, key, key.count)
        return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func decode(_ text: String) -> [UInt8]? {
        // ZeroMQ looks characters up in a table that begins with the space and ends before 128.
        guard text.utf8.count == keyLength, text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else { return nil }
        var bytes = [UInt8](repeating: 0, count: keyBytes)
        return zmq_z85_decode(&bytes, text) == nil ? nil : bytes
    }
}

/// How the connections of a socket are protected. Both sides must agree.
public enum Security: Sendable {
    case none
    /// Encrypted; this side has the key that the others know. Who may connect is up to the context's `Authenticator`
    /// for this domain; without one nobody may.
    case curveServer(key: CurveSecretKey, domain: String = "impromptu")
    /// Encrypted; this side proves `key` and checks that the other one has the key `server`.
    case curveClient(key: CurveSecretKey, server: CurvePublicKey)

    func apply(to socket: SocketHandle) throws(TransportError) {
        switch self {
        case .none: return
        case .curveServer(let key, let domain):
            guard !domain.isEmpty else {
                throw TransportError(operation: .setOption, subject: "security domain", code: EINVAL)
            }
            try socket.set(ZMQ_CURVE_SERVER, 1, name: "CURVE server")
            try socket.set(ZMQ_CURVE_SECRETKEY, bytes: key.bytes, name: "CURVE secret key")
            try socket.set(ZMQ_ZAP_DOMAIN, bytes: Array(domain.utf8), name: "security domain")
            // Without this, ZeroMQ lets every key in when nobody answers for the domain.
            try socket.set(Self.enforceDomain, 1, name: "security domain")
        case .curveClient(let key, let server):
            let publicKey = try key.publicKey()
            try socket.set(ZMQ_CURVE_SERVERKEY, bytes: server.bytes, name: "CURVE server key")
            try socket.set(ZMQ_CURVE_PUBLICKEY, bytes: publicKey.bytes, name: "CURVE public key")
            try socket.set(ZMQ_CURVE_SECRETKEY, bytes: key.bytes, name: "CURVE secret key")
        }
    }

    /// ZMQ_ZAP_ENFORCE_DOMAIN, which zmq.h keeps among its drafts although the library has it.
    private static let enforceDomain: CInt = 93
}
