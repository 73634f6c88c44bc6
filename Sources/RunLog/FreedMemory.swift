import CMalloc

/// What the C library keeps of freed blocks, for blocks to come.
package enum FreedMemory {
    /// Gives it back to the system. A run with a large pool calls this before it encodes its state, which needs as much
    /// memory again as the states it keeps.
    package static func giveBack() { malloc_trim(0) }
}
