import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// Shows how a run goes: one line that is drawn over on a terminal, a line now and then elsewhere.
public struct ProgressLine {
    private let isTerminal: Bool
    private let interval: Duration
    private var lastPlain: ContinuousClock.Instant?
    private var drawn = false

    public init() {
        isTerminal = isatty(STDERR_FILENO) == 1
        interval = .seconds(5)
    }

    /// Shows a line in place of the last one.
    public mutating func show(_ line: String) {
        if isTerminal {
            write("\r\u{1b}[2K\(line)")
            drawn = true
        } else {
            let now = ContinuousClock.now
            if let lastPlain, now - lastPlain < interval { return }
            lastPlain = now
            write(line + "\n")
        }
    }

    /// Writes a line that stays.
    public mutating func note(_ line: String) {
        end()
        write(line + "\n")
    }

    /// Leaves the line that is being drawn over.
    public mutating func end() {
        if drawn { write("\n") }
        drawn = false
    }

    private func write(_ text: String) { StandardError.write(text) }
}
