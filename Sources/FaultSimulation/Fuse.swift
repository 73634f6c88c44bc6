/// Ends a simulated process between two of its steps: a record appended, a write, a sync, an effect carried out.
final class Fuse {
    /// Steps until it blows, nil while it is not lit.
    private var left: Int?
    private(set) var isBlown = false

    /// Blows at the step that follows so many more.
    func light(steps: Int) { left = steps }

    /// For a new process.
    func replace() {
        left = nil
        isBlown = false
    }

    /// Takes one step.
    /// - Returns: whether the process is dead.
    func burns() -> Bool {
        guard !isBlown, let steps = left else { return isBlown }
        if steps == 0 { isBlown = true } else { left = steps - 1 }
        return isBlown
    }

    /// - Throws: `SimulatedCrash` once it has blown.
    func step() throws {
        if burns() { throw SimulatedCrash() }
    }
}

/// The simulated process has died. Nothing else may follow from it.
struct SimulatedCrash: Error {}
