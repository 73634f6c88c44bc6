/// What the same contributions lead to, bit by bit.
public enum AggregationAlgorithm {
    /// Grows with every change that gives other bits for the same configuration, seed and contributions. A snapshot of one
    /// version is refused by another.
    ///
    /// 1 took sums in the order that suited the processor and elementary functions from the system's library; 2 gives the
    /// same bits on every machine; 3 weighs the clients of PFPT against the typical one, and asynchronous PFPT moves by what
    /// clients changed, without a cache of what they sent before; 4 changes the sums over all clients of CA2FL and FedCOF by
    /// what a flush brings, and under a head in closed form counts what was tuned where the head knew the classes.
    public static let version: UInt64 = 4
}
