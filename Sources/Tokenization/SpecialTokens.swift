/// Tokens that are no part of any word: those around every text, and those that a text may hold in writing.
struct SpecialTokens: Sendable {
    /// A token that is found in a text as it is written.
    struct Written: Hashable, Sendable {
        var content: [Unicode.Scalar]
        var number: Int32
    }

    /// A part of a text.
    enum Part {
        case plain(ArraySlice<Unicode.Scalar>)
        case special(Int32)
    }

    /// Before and after every text.
    let first, last: Int32
    private let written: [Written]

    init(first: Int32, last: Int32, written: [Written]) {
        self.first = first
        self.last = last
        // The longest that fits counts.
        self.written = written.filter { !$0.content.isEmpty }.sorted { $0.content.count > $1.content.count }
    }

    /// The text in parts, from the left.
    func parts(of text: [Unicode.Scalar]) -> [Part] {
        let starts = Set(written.map { $0.content[0] })
        var parts: [Part] = []
        var begin = 0
        var place = 0
        while place < text.count {
            guard starts.contains(text[place]),
                let token = written.first(where: { text[place...].starts(with: $0.content) })
            else {
                place += 1
                continue
            }
            if begin < place { parts.append(.plain(text[begin..<place])) }
            parts.append(.special(token.number))
            place += token.content.count
            begin = place
        }
        if begin < text.count { parts.append(.plain(text[begin...])) }
        return parts
    }
}
