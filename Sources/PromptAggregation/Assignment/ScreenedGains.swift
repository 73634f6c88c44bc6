/// The gains of an assignment problem of which most need not be known: a row is matched with one of the columns that it
/// gains most from, unless others contest them.
///
/// `maximize` finds what `LinearAssignment.maximize` finds for the whole matrix, ties included. A gain that is left out
/// lies below its row's floor. Where all rows have different best columns, these are the matching. Else the rows that
/// share one are known whole, and so are those whose dual value in the matching, which is what the row is left with once
/// contested columns have their price, falls below the floor: while it does not, no pair that is left out lies on a best
/// matching or on a cheapest path of the search for it.
package struct ScreenedGains {
    private let rows: Int
    private let columns: Int
    /// [rows, columns], −infinity for what is forbidden or left out.
    private var gains: [Double]
    /// What the gains of a row that are left out lie below; −infinity for a row that is known whole.
    private var floors: [Double]

    /// All gains are forbidden, none is left out.
    package init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        gains = [Double](repeating: -.infinity, count: rows * columns)
        floors = [Double](repeating: -.infinity, count: rows)
    }

    package subscript(row: Int, column: Int) -> Double {
        get { gains[row * columns + column] }
        set { gains[row * columns + column] = newValue }
    }

    /// Sets the first gains of a row, −infinity for those that are left out.
    package mutating func set(_ row: Int, to values: UnsafePointer<Float>, count: Int, floor: Float) {
        for column in 0..<count { gains[row * columns + column] = Double(values[column]) }
        floors[row] = Double(floor)
    }

    /// - Parameter whole: all gains that a row has in its first columns, and how many these are; what the others hold stays.
    /// - Returns: the column of each row, as `LinearAssignment.maximize`.
    /// - Throws: as `LinearAssignment.maximize`.
    package mutating func maximize(
        _ whole: (_ row: Int) -> (values: UnsafeMutablePointer<Float>, count: Int)
    ) throws(AssignmentError) -> [Int?] {
        func complete(_ row: Int) {
            let (values, count) = whole(row)
            set(row, to: values, count: count, floor: -.infinity)
        }
        guard rows <= columns else {
            for row in 0..<rows { complete(row) }
            return try LinearAssignment.maximize(gains: gains, rows: rows, columns: columns)
        }
        let bests = (0..<rows).map(best)
        var claims = [Int](repeating: 0, count: columns)
        for case let column? in bests { claims[column] += 1 }
        let contested = bests.indices.filter { row in bests[row].map { claims[$0] > 1 } ?? true }
        if contested.isEmpty { return bests }
        for row in contested { complete(row) }
        while true {
            let found = try LinearAssignment.solution(gains: gains, rows: rows, columns: columns)
            let doubtful = (0..<rows).filter { found.values[$0] < floors[$0] }
            if doubtful.isEmpty { return found.columns }
            for row in doubtful { complete(row) }
        }
    }

    /// The first column among those that a row gains most from; nil where it may have none.
    private func best(_ row: Int) -> Int? {
        var (best, most): (Int?, Double) = (nil, -.infinity)
        for column in 0..<columns where gains[row * columns + column] > most {
            (best, most) = (column, gains[row * columns + column])
        }
        return best
    }
}
