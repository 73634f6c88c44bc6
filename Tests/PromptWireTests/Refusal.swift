import PromptWire

/// The error of a decoding that must fail.
func refusal(_ decode: () throws(WireError) -> some Any) -> String {
    do throws(WireError) {
        return "no refusal but \(try decode())"
    } catch {
        return "\(error)"
    }
}
