import PromptAggregation
import Testing

/// Strategies that keep sums over all clients, and change them by what a flush brings.
@Suite struct RunningSumTests {
    static let classes = 4
    /// That of `ClosedHeadTests.solve`.
    static let width = ClosedHeadTests.width
    static let clients = 12
    let initial = Sample.state(pool: 6, width: width, classes: classes)

    // MARK: Any flushes

    /// The clients of a flush, some for the first time, some twice.
    static func someClients(_ random: inout SeededRandom) -> [Int] {
        (0...Int(random.next(upperBound: 4))).map { _ in Int(random.next(upperBound: UInt64(clients))) }
    }

    static func report(
        _ random: inout SeededRandom, width: Int = width, scale: Double = 1
    ) -> FedCofTests.Golden.Client {
        FedCofTests.Golden.Client(
            counts: (0..<classes).map { _ in Float(Int(random.next(upperBound: 5))) },
            means: (0..<classes * width).map { Float(scale * (3 + Double($0 % width) + random.nextNormal())) })
    }

    func flush(_ name: String, _ base: PromptState, round: Int, _ random: inout SeededRandom) -> [Contribution] {
        let item = FedCofTests.Golden.Case(
            classes: Self.classes, width: base.width, shrinkage: 0, clients: [], weight: [])
        return Self.someClients(&random).enumerated().map { place, client in
            let sequence = UInt64(10 * round + place)
            if name == "fedcof" {
                return FedCofTests.contribution(
                    client, Self.report(&random, width: base.width), item, base: base, sequence: sequence)
            }
            let touched = initial.promptIDs.indices.filter { _ in random.next(upperBound: 2) == 0 }
            return Sample.contribution(client, base: base, touched: touched, sequence: sequence, step: 0.5)
        }
    }

    /// Most flushes change the sums here, and some make them again; the laws of the roster know of the latter alone.
    ///
    /// With more columns than clients have means, and without shrinkage, FedCOF's system is near singular: the last bit of a
    /// sum shows in the head.
    @Test(arguments: [("ca2fl", []), ("fedcof", [(key: "shrinkage", value: "0")])], [UInt64(1), 2])
    func neitherOrderNorASnapshotChangesTheBits(
        method: (name: String, settings: [(key: String, value: String)]), seed: UInt64
    ) throws {
        let initial = Sample.state(pool: 6, width: 60, classes: Self.classes)
        var random = SeededRandom(seed: seed)
        var strategy = try Sample.make(method.name, method.settings, initial: initial)
        for round in 0..<40 {
            var other = try Sample.make(method.name, method.settings, initial: initial)
            try other.restore(strategy.snapshot())
            let contributions = flush(method.name, strategy.state, round: round, &random)
            var shuffled = contributions
            shuffled.shuffle(using: &random)
            #expect(other.aggregate(shuffled) == strategy.aggregate(contributions))
            #expect(other.state == strategy.state && other.snapshot() == strategy.snapshot())
        }
    }

    // MARK: CA2FL

    /// Σ h_i as a snapshot has it, and as the displacements in it give it: the largest difference, and the largest value.
    func error(in snapshot: [UInt8]) throws -> (difference: Double, largest: Double) {
        var reader = try SnapshotReader(snapshot)
        _ = (try reader.text(), try reader.word(), try reader.state(like: initial))
        let table = try ClientTable<[[Float]]>(from: &reader) { reader throws(SnapshotError) in
            try reader.list { reader throws(SnapshotError) in try reader.floats("displacement") }
        }
        let kept = try reader.list { reader throws(SnapshotError) in try reader.doubles("sum") }.flatMap(\.self)
        var direct = [Double](repeating: 0, count: kept.count)
        for row in table { for (place, value) in row.value.joined().enumerated() { direct[place] += Double(value) } }
        return (zip(kept, direct).reduce(0) { max($0, abs($1.0 - $1.1)) }, direct.reduce(0) { max($0, abs($1)) })
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func theSumOfCa2flIsThatOfAllDisplacements(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var strategy = try Sample.make("ca2fl", initial: initial)
        for round in 0..<200 {
            _ = strategy.aggregate(flush("ca2fl", strategy.state, round: round, &random))
            let (difference, largest) = try error(in: strategy.snapshot())
            #expect(difference <= 1e-14 * largest)
        }
    }

    /// A huge displacement leaves its rounding in the sum until this is made again.
    @Test func aHugeDisplacementIsForgotten() throws {
        var strategy = try Sample.make("ca2fl", initial: initial)
        func contribute(_ client: Int, _ round: Int, step: Double) {
            _ = strategy.aggregate([
                Sample.contribution(client, base: initial, sequence: UInt64(round), step: step)
            ])
        }
        for client in 0..<Self.clients { contribute(client, 1, step: 0.5) }
        contribute(3, 2, step: 1e9)
        for round in 3..<20 { contribute(3, round, step: 0.5) }
        let (difference, largest) = try error(in: strategy.snapshot())
        #expect(largest < 100 && difference <= 1e-14 * largest)
    }

    /// v from the h_i of all clients, as the paper writes it, with h_i as they were before the flush.
    @Test(arguments: [0, 20])
    func ca2flMovesAsThePaperSays(clients: Int) throws {
        var random = SeededRandom(seed: 5)
        var strategy = try Sample.make("ca2fl", [("clients", "\(clients)")], initial: initial)
        // By client, laid out as the state.
        var h: [ClientID: [Double]] = [:]
        for round in 0..<60 {
            let contributions = flush("ca2fl", strategy.state, round: round, &random)
                .sorted(by: Contribution.inOrder)
            let before = strategy.state.parameters.entries.flatMap(\.tensor.values)
            let changes = contributions.map { change(of: $0) }
            let n = Double(max(clients, Set(h.keys).union(contributions.map(\.client)).count))
            let expected = before.indices.map { place in
                let mean = h.values.reduce(0) { $0 + $1[place] } / n
                let own = zip(contributions, changes).reduce(0) { $0 + $1.1[place] - (h[$1.0.client]?[place] ?? 0) }
                return Double(before[place]) + mean + own / Double(contributions.count)
            }
            for (contribution, change) in zip(contributions, changes) { h[contribution.client] = change }
            _ = strategy.aggregate(contributions)
            let after = strategy.state.parameters.entries.flatMap(\.tensor.values)
            #expect(zip(after, expected).allSatisfy { abs(Double($0) - $1) <= 1e-6 * (1 + abs($1)) })
        }
    }

    /// Laid out as the state: Δ_i.
    func change(of contribution: Contribution) -> [Double] {
        contribution.base.parameters.entries.flatMap { entry in
            let (base, local) = (entry.tensor.values, contribution.parameters[entry.name]!.values)
            guard entry.name == Parameters.prompts else { return zip(local, base).map { Double($0) - Double($1) } }
            var moved = [Double](repeating: 0, count: base.count)
            for (row, id) in contribution.promptIDs.enumerated() {
                let target = contribution.base.promptIDs.firstIndex(of: id)!
                for column in 0..<Self.width {
                    let place = target * Self.width + column
                    moved[place] = Double(local[row * Self.width + column]) - Double(base[place])
                }
            }
            return moved
        }
    }

    // MARK: FedCOF

    static func means(_ report: FedCofTests.Golden.Client) -> ClassMeans {
        ClassMeans(counts: report.counts, means: Tensor(shape: [classes, width], values: report.means))
    }

    /// The formulas on all reports at once, the system solved by elimination.
    static func slowWeight(_ reports: [FedCofTests.Golden.Client]) -> [[Double]] {
        let counts = (0..<classes).map { label in reports.reduce(0) { $0 + Double($1.counts[label]) } }
        let total = counts.reduce(0, +)
        func value(_ report: FedCofTests.Golden.Client, _ label: Int, _ column: Int) -> Double {
            Double(report.means[label * width + column])
        }
        let means = (0..<classes).map { label in
            (0..<width).map { column in
                reports.reduce(0) { $0 + Double($1.counts[label]) * value($1, label, column) } / max(1, counts[label])
            }
        }
        let mean = (0..<width).map { column in zip(counts, means).reduce(0) { $0 + $1.0 * $1.1[column] } / total }
        var gram = (0..<width).map { row in (0..<width).map { total * mean[row] * mean[$0] } }
        for label in 0..<classes where counts[label] > 1 {
            let holders = reports.count { $0.counts[label] > 0 }
            for row in 0..<width {
                for column in 0..<width {
                    let scatter = reports.reduce(0) {
                        $0 + Double($1.counts[label]) * (value($1, label, row) - means[label][row])
                            * (value($1, label, column) - means[label][column])
                    }
                    gram[row][column] += (counts[label] - 1) * scatter / Double(max(holders - 1, 1))
                }
                gram[row][row] += counts[label] - 1
            }
        }
        return (0..<classes).map { label in
            let row = ClosedHeadTests.solve(gram, means[label].map { counts[label] * $0 })
            let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return row.map { length > 0 ? $0 / length : 0 }
        }
    }

    /// Also where a client has sent statistics of another magnitude before, or has the first of a class.
    @Test(arguments: [UInt64(1), 2, 3, 4], [0.0, 1e3, 1e9, 1e15])
    func theSumsOfFedCofAreThoseOfAllReports(seed: UInt64, wrong: Double) throws {
        var random = SeededRandom(seed: seed)
        var reports = ClassReports(classes: Self.classes, width: Self.width)
        var unkept = ClassReports(classes: Self.classes, width: Self.width, keepingAtMost: 0)
        var latest: [ClientID: (report: FedCofTests.Golden.Client, isWrong: Bool)] = [:]
        var checked = 0
        for _ in 0..<300 {
            var news = ClientTable<ClassMeans>()
            for client in Self.someClients(&random).map({ ClientID(Sample.name($0)) }) {
                let isWrong = wrong > 0 && random.next(upperBound: 20) == 0
                latest[client] = (Self.report(&random, scale: isWrong ? wrong : 1), isWrong)
                news[client] = Self.means(latest[client]!.report)
            }
            #expect(reports.take(news) && !reports.take(news))
            #expect(unkept.take(news) && !unkept.take(news))
            // With such statistics the elimination itself is inexact.
            guard latest.count > 2, !latest.values.contains(where: \.isWrong) else { continue }
            checked += 1
            let expected = Self.slowWeight(latest.values.map(\.report)).flatMap(\.self)
            for reports in [reports, unkept] {
                let weight = RidgeClassifier(of: reports.sums, width: Self.width, shrinkage: 1).weight
                #expect(zip(weight, expected).allSatisfy { abs($0 - $1) < 1e-9 })
            }
        }
        #expect(checked > 50)
    }

    /// Nothing is left of a class that no client has any longer.
    @Test func aClassThatEveryoneLostIsGone() throws {
        var reports = ClassReports(classes: 2, width: 2)
        func take(_ number: Int, _ counts: [Float], _ values: [Float]) {
            var news = ClientTable<ClassMeans>()
            news[ClientID(Sample.name(number))] = ClassMeans(
                counts: counts, means: Tensor(shape: [2, 2], values: values))
            _ = reports.take(news)
        }
        for client in 0..<4 { take(client, [3, 0], [1, 2, 0, 0]) }
        take(0, [3, 4], [1, 2, 1e20, 7])
        take(0, [3, 0], [1, 2, 0, 0])
        #expect(reports.sums.map { $0?.holders } == [4, nil])
    }
}
