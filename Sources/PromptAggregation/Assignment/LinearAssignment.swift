/// Why an assignment problem has no answer.
public enum AssignmentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The matrix has another number of elements than its extents say.
    case wrongCount(expected: Int, actual: Int)
    case notANumber(row: Int, column: Int)
    /// A gain of +infinity (a cost of −infinity).
    case unbounded(row: Int, column: Int)
    /// The forbidden pairs leave no complete matching; `row` is the first one that could not be placed.
    case infeasible(row: Int)

    public var description: String {
        switch self {
        case .wrongCount(let expected, let actual): "expected a matrix of \(expected) elements, but it has \(actual)"
        case .notANumber(let row, let column): "expected a number at row \(row), column \(column), but it is NaN"
        case .unbounded(let row, let column):
            "expected a bounded gain at row \(row), column \(column), but it is infinite"
        case .infeasible(let row): "expected a complete matching, but forbidden pairs leave none (row \(row))"
        }
    }
}

/// Rectangular linear assignment by shortest augmenting paths (Jonker and Volgenant 1987; for rectangles Crouse 2016).
public enum LinearAssignment {
    /// Matches rows with columns, one to one, as many as possible, so that the sum of their gains is largest.
    ///
    /// Among equal columns the first free one wins, so the result is a function of the matrix alone. Time is
    /// O(short² · long) in the worst case.
    ///
    /// - Parameters:
    ///   - gains: [rows, columns], row-major; −infinity forbids a pair.
    /// - Returns: the column of each row; nil for the rows left over when there are more rows than columns.
    /// - Throws: `AssignmentError` for NaN or +infinity, with its position, or when no complete matching is allowed.
    public static func maximize(
        gains: [Double], rows: Int, columns: Int
    ) throws(AssignmentError) -> [Int?] {
        if rows <= columns { return try solution(gains: gains, rows: rows, columns: columns).columns }
        try check(gains, rows, columns)
        var costs = [Double](repeating: 0, count: gains.count)
        for row in 0..<rows {
            for column in 0..<columns { costs[column * rows + row] = -gains[row * columns + column] }
        }
        var result = [Int?](repeating: nil, count: rows)
        let rowOfColumn = try ShortestPaths(costs: costs, rows: columns, columns: rows).solve().columns
        for (column, row) in rowOfColumn.enumerated() { result[row] = column }
        return result
    }

    /// The same for at most as many rows as columns, with each row's dual value: its gain less the price of its column,
    /// where no column has a negative price. No pair gains more than its row's value and its column's price.
    ///
    /// - Throws: as `maximize`.
    static func solution(
        gains: [Double], rows: Int, columns: Int
    ) throws(AssignmentError) -> (columns: [Int?], values: [Double]) {
        precondition(rows <= columns, "more rows than columns")
        try check(gains, rows, columns)
        let (matches, duals) = try ShortestPaths(costs: gains.map { -$0 }, rows: rows, columns: columns).solve()
        return (matches, duals.map { -$0 })
    }

    private static func check(_ gains: [Double], _ rows: Int, _ columns: Int) throws(AssignmentError) {
        guard rows >= 0, columns >= 0, gains.count == rows * columns else {
            throw .wrongCount(expected: rows * columns, actual: gains.count)
        }
        for (place, gain) in gains.enumerated() where !(gain < .infinity) {
            let (row, column) = (place / columns, place % columns)
            if gain.isNaN { throw .notANumber(row: row, column: column) }
            throw .unbounded(row: row, column: column)
        }
    }
}

/// The search itself, for at most as many rows as columns: rows enter one by one, each along the cheapest path of
/// reduced costs to a free column.
private struct ShortestPaths {
    let costs: [Double]
    let rows: Int
    let columns: Int
    /// Dual values; costs[i, j] − rowDuals[i] − columnDuals[j] is never negative but for rounding.
    var rowDuals: [Double]
    var columnDuals: [Double]
    var columnOfRow: [Int]
    var rowOfColumn: [Int]
    // The state of one search.
    var pathCosts: [Double]
    var previousRow: [Int]
    var reached: [Bool]

    init(costs: [Double], rows: Int, columns: Int) {
        self.costs = costs
        self.rows = rows
        self.columns = columns
        rowDuals = [Double](repeating: 0, count: rows)
        columnDuals = [Double](repeating: 0, count: columns)
        columnOfRow = [Int](repeating: -1, count: rows)
        rowOfColumn = [Int](repeating: -1, count: columns)
        pathCosts = [Double](repeating: .infinity, count: columns)
        previousRow = [Int](repeating: -1, count: columns)
        reached = [Bool](repeating: false, count: columns)
    }

    consuming func solve() throws(AssignmentError) -> (columns: [Int], rowDuals: [Double]) {
        for row in 0..<rows {
            let (sink, length) = try freeColumn(from: row)
            updateDuals(from: row, length: length)
            augment(to: sink, from: row)
        }
        return (columnOfRow, rowDuals)
    }

    /// Finds the free column that is cheapest to reach from `start`.
    private mutating func freeColumn(from start: Int) throws(AssignmentError) -> (column: Int, length: Double) {
        for column in 0..<columns {
            pathCosts[column] = .infinity
            reached[column] = false
        }
        var row = start
        var length = 0.0
        while true {
            let next = relax(row: row, length: length)
            guard next >= 0 else { throw .infeasible(row: start) }
            length = pathCosts[next]
            reached[next] = true
            if rowOfColumn[next] < 0 { return (next, length) }
            row = rowOfColumn[next]
        }
    }

    /// Shortens the paths that lead over `row` and returns the nearest column not yet reached, −1 when there is none.
    private mutating func relax(row: Int, length: Double) -> Int {
        let offset = length - rowDuals[row]
        let first = row * columns
        var nearest = -1
        var lowest = Double.infinity
        for column in 0..<columns where !reached[column] {
            let candidate = offset + costs[first + column] - columnDuals[column]
            if candidate < pathCosts[column] {
                pathCosts[column] = candidate
                previousRow[column] = row
            }
            let cost = pathCosts[column]
            // Among equals a free column ends the search sooner.
            if cost < lowest || (cost == lowest && nearest >= 0 && rowOfColumn[nearest] >= 0 && rowOfColumn[column] < 0)
            {
                lowest = cost
                nearest = column
            }
        }
        return nearest
    }

    private mutating func updateDuals(from start: Int, length: Double) {
        rowDuals[start] += length
        for column in 0..<columns where reached[column] {
            if rowOfColumn[column] >= 0 { rowDuals[rowOfColumn[column]] += length - pathCosts[column] }
            columnDuals[column] -= length - pathCosts[column]
        }
    }

    /// Hands the columns along the path on to the rows before them.
    private mutating func augment(to sink: Int, from start: Int) {
        var column = sink
        while true {
            let row = previousRow[column]
            rowOfColumn[column] = row
            let freed = columnOfRow[row]
            columnOfRow[row] = column
            if row == start { return }
            column = freed
        }
    }
}
