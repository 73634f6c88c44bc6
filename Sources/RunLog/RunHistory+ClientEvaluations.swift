import Federation
import PromptAggregation
import Text

extension RunHistory {
    /// How a version does on what one client holds out.
    public struct ClientEvaluation: Hashable, Sendable {
        public var version: Version
        /// When the version was made, since the start of the run.
        public var seconds: Double
        /// The mean cross-entropy.
        public var loss: Double
        /// Samples of each class, in the order of the labels, and those of them that are classified right.
        public var total: [Int]
        public var correct: [Int]

        public var count: Int { total.reduce(0, +) }
        public var accuracy: Double { Double(correct.reduce(0, +)) / Double(max(1, count)) }
    }

    /// How a version does on what all clients hold out that said so.
    public struct FederatedEvaluation: Hashable, Sendable {
        public var version: Version
        /// When the version was made, since the start of the run.
        public var seconds: Double
        public var clients = 0
        /// Samples, those of them that are classified right, and the sum of their cross-entropies.
        public var count = 0
        public var correct = 0
        public var lossSum = 0.0

        public var accuracy: Double { Double(correct) / Double(max(1, count)) }
        public var loss: Double { lossSum / Double(max(1, count)) }
    }

    /// Keeps what a client says of a version; what it says of one a second time counts no more.
    package mutating func add(_ evaluation: ClientMessage.Evaluation) {
        let place = Self.place(of: evaluation.client, in: clientEvaluations) { $0.client }
        let isKnown = place < clientEvaluations.count && clientEvaluations[place].client == evaluation.client
        if isKnown, clientEvaluations[place].newest.version >= evaluation.version { return }
        let newest = ClientEvaluation(
            version: evaluation.version, seconds: seconds(of: evaluation.version), loss: evaluation.loss,
            total: evaluation.total, correct: evaluation.correct)
        if isKnown {
            clientEvaluations[place].newest = newest
        } else {
            clientEvaluations.insert((evaluation.client, newest), at: place)
        }
        let row = federatedEvaluations.firstIndex { $0.version >= evaluation.version } ?? federatedEvaluations.count
        if row == federatedEvaluations.count || federatedEvaluations[row].version != evaluation.version {
            federatedEvaluations.insert(.init(version: newest.version, seconds: newest.seconds), at: row)
        }
        federatedEvaluations[row].clients += 1
        federatedEvaluations[row].count += newest.count
        federatedEvaluations[row].correct += newest.correct.reduce(0, +)
        federatedEvaluations[row].lossSum += newest.loss * Double(newest.count)
        thin(&federatedEvaluations, by: \.version)
    }

    /// When a version was made, since the start of the run.
    private func seconds(of version: Version) -> Double { versions.last { $0.version <= version }?.seconds ?? 0 }

    // MARK: Snapshots

    func writeClientEvaluations(to writer: inout SnapshotWriter) {
        writer.write(clientEvaluations) { writer, row in
            writer.write(row.client.name)
            writer.write(row.newest.version)
            writer.write(row.newest.seconds)
            writer.write(row.newest.loss)
            writer.write(row.newest.total)
            writer.write(row.newest.correct)
        }
        writer.write(federatedEvaluations) { writer, row in
            for count in [row.version, row.clients, row.count, row.correct] { writer.write(count) }
            for figure in [row.seconds, row.lossSum] { writer.write(figure) }
        }
    }

    mutating func readClientEvaluations(from reader: inout SnapshotReader) throws(SnapshotError) {
        clientEvaluations = try reader.list { reader throws(SnapshotError) in
            let client = ClientID(try reader.text())
            let version = try reader.integer("version", in: 0...Int.max)
            let (seconds, loss) = (try reader.number(), try reader.number())
            return (
                client,
                ClientEvaluation(
                    version: version, seconds: seconds, loss: loss, total: try reader.integers("samples"),
                    correct: try reader.integers("samples classified right"))
            )
        }
        federatedEvaluations = try reader.list { reader throws(SnapshotError) in
            var row = FederatedEvaluation(version: try reader.integer("version", in: 0...Int.max), seconds: 0)
            row.clients = try reader.integer("clients", in: 0...Int.max)
            row.count = try reader.integer("samples", in: 0...Int.max)
            row.correct = try reader.integer("samples classified right", in: 0...Int.max)
            row.seconds = try reader.number()
            row.lossSum = try reader.number()
            return row
        }
    }
}
