import CSodium
import PromptWire

/// The Ed25519 key that an aggregator signs the checkpoints of its log with.
public struct LogKey: Sendable {
    static let signatureBytes = Int(crypto_sign_BYTES)

    /// 32 bytes, for everybody.
    public let publicKey: [UInt8]
    private let secret: [UInt8]

    /// A new key.
    public static func generate() -> LogKey {
        // Its random numbers need it; it may be called any number of times.
        _ = sodium_init()
        var seed = [UInt8](repeating: 0, count: Int(crypto_sign_SEEDBYTES))
        randombytes_buf(&seed, seed.count)
        return LogKey(seed: seed)!
    }

    /// - Parameter seed: 32 bytes, what has to be kept of a key; nil for another number of bytes.
    public init?(seed: [UInt8]) {
        guard seed.count == Int(crypto_sign_SEEDBYTES) else { return nil }
        var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
        var secret = [UInt8](repeating: 0, count: Int(crypto_sign_SECRETKEYBYTES))
        crypto_sign_seed_keypair(&publicKey, &secret, seed)
        self.publicKey = publicKey
        self.secret = secret
    }

    /// 32 bytes from which `init(seed:)` makes the key again.
    public var seed: [UInt8] { Array(secret.prefix(Int(crypto_sign_SEEDBYTES))) }

    /// - Parameter place: of the checkpoint's record, `RecordChain.Channel.place`.
    func sign(_ checkpoint: Checkpoint, at place: [UInt8]) -> [UInt8] {
        let message = checkpoint.signed(at: place)
        var signature = [UInt8](repeating: 0, count: Self.signatureBytes)
        crypto_sign_detached(&signature, nil, message, UInt64(message.count), secret)
        return signature
    }
}

extension Checkpoint {
    /// What the signature is of.
    fileprivate func signed(at place: [UInt8]) -> [UInt8] {
        Array("impromptu log checkpoint".utf8) + withUnsafeBytes(of: records.littleEndian, Array.init) + chain
            + [end.rawValue] + place
    }

    /// Whether the holder of a key has signed it.
    /// - Parameters:
    ///   - key: 32 bytes.
    ///   - place: of its record.
    func isSigned(by key: [UInt8], at place: [UInt8]) -> Bool {
        guard key.count == Int(crypto_sign_PUBLICKEYBYTES), signature.count == LogKey.signatureBytes
        else { return false }
        let message = signed(at: place)
        return crypto_sign_verify_detached(signature, message, UInt64(message.count), key) == 0
    }
}
