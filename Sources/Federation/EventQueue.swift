/// What is to happen in virtual time, the earliest first; at the same time in the order of its scheduling.
package struct EventQueue<Item> {
    private struct Entry {
        var time: Timestamp
        var order: Int
        var item: Item
        func isBefore(_ other: Entry) -> Bool { (time, order) < (other.time, other.order) }
    }
    private var heap: [Entry] = []
    private var order = 0

    package init() {}

    /// - Returns: a number that no other item has.
    @discardableResult
    package mutating func push(_ item: Item, at time: Timestamp) -> Int {
        order += 1
        heap.append(Entry(time: time, order: order, item: item))
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
        return order
    }

    package mutating func pop() -> (time: Timestamp, number: Int, item: Item)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return (first.time, first.order, first.item) }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[least])
            {
                least = child
            }
            if least == parent { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return (first.time, first.order, first.item)
    }
}
