import Foundation
import PromptAggregation
import Testing

@Suite struct LinearAssignmentTests {
    /// The best total over all complete matchings, by trying them all.
    static func bruteForce(_ gains: [Double], _ rows: Int, _ columns: Int) -> Double {
        if rows > columns {
            let transposed = (0..<columns).flatMap { column in (0..<rows).map { gains[$0 * columns + column] } }
            return bruteForce(transposed, columns, rows)
        }
        func best(_ row: Int, _ used: Int) -> Double {
            guard row < rows else { return 0 }
            var highest = -Double.infinity
            for column in 0..<columns where used & (1 << column) == 0 {
                highest = max(highest, gains[row * columns + column] + best(row + 1, used | (1 << column)))
            }
            return highest
        }
        return best(0, 0)
    }

    static func total(_ gains: [Double], _ columns: Int, _ matches: [Int?]) -> Double {
        matches.enumerated().reduce(0) { sum, pair in
            pair.element.map { sum + gains[pair.offset * columns + $0] } ?? sum
        }
    }

    @Test(arguments: 0..<400)
    func reachesTheBestTotal(trial: Int) throws {
        var random = SeededRandom(seed: 11, stream: UInt64(trial))
        let rows = 1 + Int(random.next() % 6)
        let columns = 1 + Int(random.next() % 7)
        // Whole numbers of few values give many ties; every fourth trial is of real numbers, some of them forbidden.
        let gains = (0..<rows * columns).map { _ in
            trial % 4 == 0 ? random.nextNormal() : Double(random.next() % 4)
        }
        let matches = try LinearAssignment.maximize(gains: gains, rows: rows, columns: columns)
        let placed = matches.compactMap { $0 }
        #expect(placed.count == min(rows, columns))
        #expect(Set(placed).count == placed.count)
        #expect(abs(Self.total(gains, columns, matches) - Self.bruteForce(gains, rows, columns)) < 1e-12)
    }

    /// What scipy.optimize.linear_sum_assignment found for matrices that both sides make from a seed.
    struct GoldenCases: Decodable {
        struct Case: Decodable, Sendable {
            let seed: UInt64
            let rows: Int
            let columns: Int
            /// Elements are whole numbers below this; 0 stands for reals in [0, 1).
            let values: UInt64
            let total: Double
            /// The columns, −1 for none; left out where ties allow several.
            let matches: [Int]?

            /// SplitMix64 of the element's number.
            var gains: [Double] {
                (0..<UInt64(rows * columns)).map { index in
                    var z = (index + 1) &* 0x9E37_79B9_7F4A_7C15 &+ seed
                    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
                    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
                    z ^= z >> 31
                    return values > 0 ? Double(z % values) : Double(z >> 11) * 0x1p-53
                }
            }
        }
        let cases: [Case]
    }

    @Test func agreesWithScipy() throws {
        let file = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/linear-assignment.json")
        let golden = try JSONDecoder().decode(GoldenCases.self, from: Data(contentsOf: file))
        #expect(golden.cases.contains { $0.rows == 500 && $0.columns == 5000 })
        for item in golden.cases {
            let gains = item.gains
            let matches = try LinearAssignment.maximize(gains: gains, rows: item.rows, columns: item.columns)
            #expect(abs(Self.total(gains, item.columns, matches) - item.total) < 1e-9 * max(1, item.total))
            if let expected = item.matches { #expect(matches.map { $0 ?? -1 } == expected, "seed \(item.seed)") }
        }
    }

    @Test func givesEqualColumnsInOrder() throws {
        let matches = try LinearAssignment.maximize(gains: [Double](repeating: 1, count: 12), rows: 3, columns: 4)
        #expect(matches == [0, 1, 2])
    }

    @Test func leavesRowsOverWhenColumnsRunOut() throws {
        let matches = try LinearAssignment.maximize(gains: [1, 5, 3], rows: 3, columns: 1)
        #expect(matches == [nil, 0, nil])
    }

    @Test func keepsOffForbiddenPairs() throws {
        let no = -Double.infinity
        let matches = try LinearAssignment.maximize(gains: [9, 1, 8, no], rows: 2, columns: 2)
        #expect(matches == [1, 0])
    }

    @Test func takesEmptyProblems() throws {
        #expect(try LinearAssignment.maximize(gains: [], rows: 0, columns: 4).isEmpty)
        #expect(try LinearAssignment.maximize(gains: [], rows: 2, columns: 0) == [nil, nil])
    }

    @Test func refusesWhatHasNoAnswer() {
        let no = -Double.infinity
        #expect(throws: AssignmentError.notANumber(row: 1, column: 2)) {
            try LinearAssignment.maximize(gains: [0, 0, 0, 0, 0, .nan], rows: 2, columns: 3)
        }
        #expect(throws: AssignmentError.unbounded(row: 0, column: 1)) {
            try LinearAssignment.maximize(gains: [0, .infinity], rows: 1, columns: 2)
        }
        #expect(throws: AssignmentError.infeasible(row: 1)) {
            try LinearAssignment.maximize(gains: [1, no, 1, no], rows: 2, columns: 2)
        }
        #expect(throws: AssignmentError.wrongCount(expected: 4, actual: 3)) {
            try LinearAssignment.maximize(gains: [1, 2, 3], rows: 2, columns: 2)
        }
    }
}
