import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// Shows how a run goes: one line that is drawn over on a terminal, cut to its width, and a line now and then elsewhere.
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
            write("\r\u{1b}[2K\(Self.fitted(line, columns: Self.columns))")
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

    /// A line that leaves the last column free: a longer one would take a second row, which no later line draws over.
    package static func fitted(_ line: String, columns: Int) -> String {
        line.count < columns ? line : line.prefix(max(0, columns - 2)) + "…"
    }

    /// The terminal's width now, without a bound where it does not say.
    private static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return .max }
        return Int(size.ws_col)
    }

    private func write(_ text: String) { StandardError.write(text) }
}
