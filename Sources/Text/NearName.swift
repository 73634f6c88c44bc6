/// The name that somebody may have meant, as the end of a sentence; empty where none is near.
package func suggestion(for name: String, among names: [String]) -> String {
    let plain = plainLetters(name)
    let most = max(1, plain.count / 3)
    let near = names.map { ($0, distance(plain, plainLetters($0))) }.filter { $0.1 <= most }
    return near.min { $0.1 < $1.1 }.map { "; did you mean '\($0.0)'?" } ?? ""
}

/// 1 where one name is the beginning of the other, of three letters or more.
private func distance(_ one: [Character], _ other: [Character]) -> Int {
    let (short, long) = one.count < other.count ? (one, other) : (other, one)
    return short.count >= 3 && long.starts(with: short) && one != other ? 1 : editDistance(one, other)
}

/// Neither capitals nor what separates words matter.
private func plainLetters(_ name: String) -> [Character] {
    Array(name.lowercased().filter { $0.isLetter || $0.isNumber }.prefix(64))
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour (Damerau 1964; no letter is
/// changed twice).
package func editDistance(_ from: [Character], _ to: [Character]) -> Int {
    var before: [Int] = []
    var row = Array(0...to.count)
    for place in from.indices {
        var next = [place + 1]
        for column in to.indices {
            let replaced = row[column] + (from[place] == to[column] ? 0 : 1)
            var least = min(replaced, row[column + 1] + 1, next[column] + 1)
            if place > 0, column > 0, from[place] == to[column - 1], from[place - 1] == to[column] {
                least = min(least, before[column - 1] + 1)
            }
            next.append(least)
        }
        (before, row) = (row, next)
    }
    return row[to.count]
}
