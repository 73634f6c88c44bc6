import PromptAggregation
import Testing

/// Against the matching of the whole matrix, which must come out the same among ties too.
@Suite struct ScreenedGainsTests {
    /// A matrix and what a screen leaves of it: of every row what is not below a floor that is at most its largest gain.
    struct Problem {
        let rows, columns: Int
        /// [rows, columns]
        let gains: [Float]
        let floors: [Float]

        /// - Parameter trial: an even one has whole numbers, with many ties and many rows that contest a column.
        init(_ trial: Int) {
            var random = SeededRandom(seed: 31, stream: UInt64(trial))
            let rows = 1 + Int(random.next() % 12)
            let columns = 1 + Int(random.next() % 25)
            let favourites = 1 + random.next() % UInt64(columns)
            let gains = (0..<rows * columns).map { place in
                let gain = trial % 2 == 0 ? Float(random.next() % 6) : Float(3 * random.nextNormal())
                return gain + (UInt64(place % columns) < favourites ? 3 : 0)
            }
            (self.rows, self.columns, self.gains) = (rows, columns, gains)
            floors = (0..<rows).map { row in
                gains[row * columns..<(row + 1) * columns].max()! - Float(random.next() % 4)
            }
        }

        func row(_ row: Int) -> [Float] { Array(gains[row * columns..<(row + 1) * columns]) }

        /// The matching from the screened gains, and how many rows had to be known whole.
        func screened() throws -> (matches: [Int?], wholes: Int) {
            var screened = ScreenedGains(rows: rows, columns: columns)
            for place in 0..<rows {
                let kept = row(place).map { $0 < floors[place] ? -.infinity : $0 }
                screened.set(place, to: kept, count: columns, floor: floors[place])
            }
            let room = UnsafeMutablePointer<Float>.allocate(capacity: columns)
            defer { room.deallocate() }
            var wholes = 0
            let matches = try screened.maximize { place in
                wholes += 1
                room.update(from: row(place), count: columns)
                return (room, columns)
            }
            return (matches, wholes)
        }
    }

    @Test func findsTheMatchingOfTheWholeMatrix() throws {
        var (spared, contested) = (0, 0)
        for trial in 0..<20_000 {
            let problem = Problem(trial)
            let expected = try LinearAssignment.maximize(
                gains: problem.gains.map(Double.init), rows: problem.rows, columns: problem.columns)
            let (matches, wholes) = try problem.screened()
            #expect(matches == expected, "trial \(trial)")
            if problem.rows <= problem.columns {
                spared += problem.rows - wholes
                if wholes > 0 && wholes < problem.rows { contested += 1 }
            }
        }
        // Most rows need not be known whole, and the hard case, where some must, is among the trials.
        #expect(spared > 20_000 && contested > 2_000, "\(spared) \(contested)")
    }

    /// A gain that the screen never leaves out, as the one of a prompt of a row's own.
    @Test func keepsWhatWasSetBeyondTheScreen() throws {
        var screened = ScreenedGains(rows: 2, columns: 4)
        for row in 0..<2 { screened.set(row, to: [9, -.infinity], count: 2, floor: 8) }
        (screened[0, 2], screened[1, 3]) = (3, 5)
        let room = UnsafeMutablePointer<Float>.allocate(capacity: 2)
        defer { room.deallocate() }
        let matches = try screened.maximize { row in
            room.update(from: [9, row == 0 ? 1 : 2], count: 2)
            return (room, 2)
        }
        #expect(matches == [0, 3])
    }
}
