import Federation
import PromptAggregation
import RunLog

/// What is published never goes back, a version is one state for ever, and nobody trains on one that the log lacks, or evaluates one.
struct VersionsOnlyGrow: Invariant {
    let name = "versions only grow"
    private var newest: Version = -1
    private var digests: [Version: Digest] = [:]
    private var trainings: [Training] = []
    private var found: [String] = []

    mutating func observe(_ observation: Observation) {
        switch observation {
        case .published(let version, let digest):
            if version < newest { found.append("version \(version) was published after version \(newest)") }
            newest = max(newest, version)
            if let earlier = digests[version], earlier != digest {
                found.append("version \(version) was published with two states, \(earlier) and \(digest)")
            }
            digests[version] = digest
        case .trained(let training): trainings.append(training)
        case .evaluated(let evaluation):
            if digests[evaluation.version] == nil {
                found.append("\(evaluation.client) evaluated version \(evaluation.version), which was never published")
            }
        default: break
        }
    }

    func violations(in record: RunRecord) -> [String] {
        var found = found
        var logged: [Version: Digest] = [:]
        var last: Version = -1
        for publication in record.publications {
            // The current version is published again when the aggregator starts again.
            if publication.version != last, publication.version != last + 1 {
                found.append("the log publishes version \(publication.version) after version \(last)")
            }
            last = publication.version
            logged[publication.version] = publication.recorded
        }
        for (version, digest) in digests.sorted(by: { $0.key < $1.key }) where logged[version] != digest {
            found.append("version \(version) was published with another state than the log has")
        }
        for training in trainings where logged[training.base] != training.digest {
            found.append("\(training.client) trained on a version \(training.base) that the log does not have")
        }
        return found
    }
}
