import Foundation
import RunLog
import Text

/// A change of settings of a run whose aggregator is at work, which logs it and continues with it.
///
/// It is asked for, and answered, by a file in the run folder, as a drain is.
public struct ChangeRequest: Codable, Equatable, Sendable {
    public enum State: String, Codable, Sendable {
        /// Nobody has seen it yet.
        case requested
        case takenUp
        /// It is in the log and in force.
        case made
        /// Nothing was changed.
        case refused
    }
    public struct Setting: Codable, Equatable, Sendable {
        public var key, value: String
    }
    /// Tells it from other requests.
    public var number: UInt64
    public var settings: [Setting]
    /// Whether an end of the run that is among them must lie ahead of where the run stands; nil does not ask for it.
    public var extends: Bool?
    public var state = State.requested
    /// Why it was refused.
    public var reason: String?
    /// Where the run stood, once the change is made.
    public var version, updates: Int?

    /// How long an aggregator may take to see a request, which it looks for every second, and how long to answer it.
    public static let attention: Duration = .seconds(15)
    private static let patience: Duration = .seconds(60)

    /// Asks the aggregator of a run for other settings and waits for its answer.
    /// - Parameters:
    ///   - extends: whether an end of the run that is among them must lie ahead.
    ///   - attention: how long to wait until it takes up the request.
    /// - Returns: what was made or refused.
    /// - Throws: `RunFolderError` when nobody answers, or another request is there.
    public static func request(
        _ settings: [(key: String, value: String)], extends: Bool = false, in folder: RunFolder,
        attention: Duration = Self.attention
    ) async throws -> ChangeRequest {
        let start = ContinuousClock.now
        while let other = try folder.readChange(), other.state == .requested || other.state == .takenUp {
            guard ContinuousClock.now - start <= attention else {
                throw RunFolderError("\(folder.path): another change waits for an answer: \(other.words)")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        let request = ChangeRequest(
            number: .random(in: 1 ... .max), settings: settings.map { Setting(key: $0.key, value: $0.value) },
            extends: extends)
        try folder.write(request)
        let answer = try await request.answer(in: folder, attention: attention)
        try folder.removeChange()
        return answer
    }

    private func answer(in folder: RunFolder, attention: Duration) async throws -> ChangeRequest {
        let start = ContinuousClock.now
        while true {
            try await Task.sleep(for: .milliseconds(100))
            guard let found = try folder.readChange(), found.number == number else {
                throw RunFolderError(
                    "\(folder.path): the request is gone: the aggregator was started again, or somebody else asked for a"
                        + " change; impromptu inspect shows which were made")
            }
            let waited = ContinuousClock.now - start
            switch found.state {
            case .made, .refused: return found
            case .requested where waited > attention:
                try folder.removeChange()
                throw RunFolderError(
                    "\(folder.path): the aggregator that holds the log has not taken up the request in"
                        + " \(decimal(waited / .seconds(1), 0)) s")
            case .takenUp where waited > attention + Self.patience:
                throw RunFolderError(
                    "\(folder.path): the aggregator took up the request and gave no answer in"
                        + " \(decimal(waited / .seconds(1), 0)) s; impromptu inspect shows whether the change was made")
            case .requested, .takenUp: continue
            }
        }
    }

    public var words: String { settings.map { "\($0.key) is \($0.value)" }.joined(separator: ", ") }
}

extension RunFolder {
    private var change: String { path + "/change.json" }

    /// The change that was asked for last, nil for none since the aggregator's start.
    /// - Throws: `RunFolderError` where the file holds something else.
    func readChange() throws -> ChangeRequest? {
        guard let data = FileManager.default.contents(atPath: change) else { return nil }
        do {
            return try JSONDecoder().decode(ChangeRequest.self, from: data)
        } catch {
            throw RunFolderError("\(change): expected a request to change settings: \(error)")
        }
    }

    func write(_ request: ChangeRequest) throws { try write(json: request, to: change) }

    /// Forgets a request; one that was meant for an earlier start is not meant for this one.
    func removeChange() throws { try remove(change) }
}
