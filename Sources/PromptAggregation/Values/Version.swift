/// The number of a published state; it grows by one at each flush.
public typealias Version = Int
