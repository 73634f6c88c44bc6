import PromptAggregation

/// Some of a registry's slots, to draw one of them at random: all that it does takes the same time whatever its size.
/// The order follows from what was done to it.
struct SlotSet: Hashable, Sendable {
    private(set) var members: [Int] = []
    /// Each slot's index among the members, −1 for one that is none.
    private var positions: [Int] = []

    var count: Int { members.count }

    func contains(_ slot: Int) -> Bool { slot < positions.count && positions[slot] >= 0 }

    mutating func insert(_ slot: Int) {
        while positions.count <= slot { positions.append(-1) }
        guard positions[slot] < 0 else { return }
        positions[slot] = members.count
        members.append(slot)
    }

    mutating func remove(_ slot: Int) {
        guard contains(slot) else { return }
        let hole = positions[slot]
        let last = members.removeLast()
        if last != slot {
            members[hole] = last
            positions[last] = hole
        }
        positions[slot] = -1
    }
}

/// A registry's slots in the order of their last touch: the longest silent first. All that it does takes the same time
/// whatever its size.
struct SilenceQueue: Hashable, Sendable {
    private struct Link: Hashable, Sendable {
        var before = -1
        var after = -1
        var isMember = false
    }
    private var links: [Link] = []
    private(set) var first: Int?
    private var last: Int?

    var isEmpty: Bool { first == nil }

    func contains(_ slot: Int) -> Bool { slot < links.count && links[slot].isMember }

    /// Moves a slot to the end, wherever it was.
    mutating func touch(_ slot: Int) {
        if last == slot { return }
        remove(slot)
        while links.count <= slot { links.append(Link()) }
        links[slot] = Link(before: last ?? -1, after: -1, isMember: true)
        if let last { links[last].after = slot } else { first = slot }
        last = slot
    }

    mutating func remove(_ slot: Int) {
        guard contains(slot) else { return }
        let link = links[slot]
        if link.before >= 0 { links[link.before].after = link.after } else { first = link.after < 0 ? nil : link.after }
        if link.after >= 0 {
            links[link.after].before = link.before
        } else {
            last = link.before < 0 ? nil : link.before
        }
        links[slot] = Link()
    }

    /// All of them, the longest silent first.
    var members: [Int] {
        var members: [Int] = []
        var next = first
        while let slot = next {
            members.append(slot)
            next = links[slot].after < 0 ? nil : links[slot].after
        }
        return members
    }
}
