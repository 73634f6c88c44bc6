import CMalloc

/// What the C library keeps of freed blocks, for blocks to come.
enum FreedMemory {
    /// Bytes whose copy is to be felt. For less it is not worth the time, in which every thread that allocates waits.
    private static let large = 32 << 20

    /// Gives it back to the system before so many bytes are copied, if they are many.
    static func giveBack(beforeCopying bytes: Int) {
        if bytes > large { malloc_trim(0) }
    }
}
