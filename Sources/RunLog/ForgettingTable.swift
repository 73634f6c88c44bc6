/// Values by key that forgets those that need not be remembered, so that ever new keys take bounded memory. A search for them
/// is paid for by as many new keys, so an insertion takes constant time in the mean.
package struct ForgettingTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let capacity: Int
    private var values: [Key: Value] = [:]
    /// The number of keys that begins a search: twice what the last one left.
    private var bound: Int
    /// How many values were looked at so far to find those to forget.
    package private(set) var inspections = 0

    /// - Parameter capacity: the number of keys beyond which values may be forgotten.
    package init(capacity: Int) {
        self.capacity = capacity
        bound = capacity
    }

    /// Keys that are remembered.
    package var count: Int { values.count }

    package subscript(key: Key) -> Value? {
        get { values[key] }
        set { values[key] = newValue }
    }

    /// Forgets the values for which `isForgettable` holds, if many keys came since the last search.
    package mutating func forget(where isForgettable: (Value) -> Bool) {
        guard values.count > bound else { return }
        inspections += values.count
        // order-free: each value is judged by itself
        values = values.filter { !isForgettable($1) }
        bound = max(capacity, 2 * values.count)
    }
}
