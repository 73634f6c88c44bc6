import Federation
import FederationRun
import Foundation
import MessageLog
import PromptAggregation
import PromptTuning
import PromptWire
import RunLog
import RunSettings

/// What must be mended before a service can run.
public struct CheckupError: Error, CustomStringConvertible, Equatable {
    public var subjects: [String]
    public var description: String { "it cannot run like this: \(subjects.joined(separator: ", ")) failed" }
}

/// Looks at whether a service can run on this machine with this configuration, before it is started. It leaves nothing
/// behind and disturbs nobody who is at work already.
public struct Checkup {
    /// What the machine is to run.
    public enum Role: Sendable {
        /// The folder that the run is to be kept in, nil for one yet to be chosen.
        case aggregator(RunFolder?)
        /// Indexes in `RunConfiguration.clients`, none where clients have images of their own; and the name of the
        /// worker's key.
        case worker(clients: [Int], key: String)
    }

    public private(set) var findings: [Finding] = []

    /// - Throws: `CheckupError` where something failed.
    public func requireSuccess() throws {
        let failures = findings.filter { $0.outcome == .failed }
        guard failures.isEmpty else { throw CheckupError(subjects: failures.map(\.subject)) }
    }

    package var configuration: RunConfiguration
    package let role: Role
    /// nil where it cannot be loaded.
    package var encoder: FrozenEncoder?

    /// Looks at everything, one after the other.
    public init(_ configuration: RunConfiguration, as role: Role) {
        self.configuration = configuration
        self.role = role
        lookAtEncoder()
        lookAtPrompts()
        lookAtData()
        switch role {
        case .aggregator(let folder):
            lookAtAggregatorKeys()
            lookAtBinding(folder)
            if let folder { lookAtRun(in: folder) }
            lookAtDisk("run folder", folder?.path ?? "runs", needed: logBytes)
            lookAtOpenFiles()
        case .worker(_, let key):
            lookAtReaching(lookAtWorkerKey(named: key))
            if let outbox = configuration.worker.outbox { lookAtDisk("worker.outbox", outbox, needed: nil) }
        }
        lookAtMemory()
        lookAtClock()
    }

    package mutating func note(_ finding: Finding) { findings.append(finding) }

    /// Bytes of a published state at the start of the run.
    var stateBytes: Int {
        guard let encoder else { return 0 }
        let classes = (try? configuration.data.classNames.count) ?? 0
        let hidden = configuration.head.hidden
        let prompts = configuration.prompts.pool * configuration.prompts.depth * encoder.width
        let head = hidden > 0 ? hidden * (encoder.width + classes + 1) : classes * (encoder.width + 1)
        return 4 * (prompts + head)
    }

    /// What the log grows to at most, nil for a run without an end in updates.
    private var logBytes: Int? {
        let stop = configuration.federation.stop
        guard stop.updates > 0 else { return nil }
        let (bytes, overflows) = stateBytes.multipliedReportingOverflow(by: stop.updates)
        return overflows ? nil : bytes
    }

    // MARK: Weights and data

    private mutating func lookAtEncoder() {
        do {
            let encoder = try configuration.loadEncoder()
            try configuration.fixEncoder(digest: "\(Digest(ofFiles: encoder.filePaths))")
            self.encoder = encoder
            let recognised = encoder.recognised
            let digest = "digest \(configuration.encoderDigest.prefix(12))"
            note(.ok("encoder", (["\(recognised), \(digest)"] + recognised.notes).joined(separator: "; ")))
            try lookForZeros(in: encoder)
        } catch {
            note(
                .failed(
                    "encoder", "\(error)",
                    advice:
                        "docs/encoders.md lists the files and families that encoder.path may name; the same everywhere")
            )
        }
    }

    private mutating func lookAtPrompts() {
        guard let encoder else { return }
        do { try configuration.prompts.check(against: encoder) } catch {
            note(.failed("prompts", "\(error)", advice: "lower it, at every site alike"))
        }
    }

    private mutating func lookForZeros(in encoder: FrozenEncoder) throws {
        let (zeros, matrices) = try encoder.zeroMatrices()
        guard let first = zeros.first else { return }
        let found =
            "\(zeros.count) of \(matrices) matrices of \(encoder.weightsPath) hold nothing but zeros, the first \(first)"
        let advice = "compare the file with its source, or download it again: a download that stopped leaves zeros"
        note(
            zeros.count == matrices
                ? .failed("encoder: weights", found, advice: advice)
                : .warning("encoder: weights", found, advice: advice))
    }

    private mutating func lookAtClasses() throws {
        guard let doubt = try configuration.data.classDoubt else { return }
        note(
            .warning(
                "classes", doubt,
                advice: "if they are one class, give it one name: in model.classes, and in the folders or tables"))
    }

    private mutating func lookAtData() {
        guard let encoder else { return }
        do {
            try lookAtClasses()
            switch role {
            case .aggregator: note(.ok("data", try heldOut(encoder)))
            case .worker(let places, _):
                let clients = try ClientImages.hosted(by: configuration, at: places, encoder: encoder)
                let words = clients.map { images in
                    "\(images.client) "
                        + (images.found.map { "\($0)" } ?? "\(images.training.count) \(encoder.examples)")
                }
                note(.ok("data", words.joined(separator: ", ")))
            }
        } catch {
            note(
                .failed(
                    "data", "\(error)",
                    advice:
                        "name a folder with --data, data.path or IMPROMPTU_DATA, and the classes that all sites share with"
                        + " --classes or model.classes (docs/data.md)")
            )
        }
    }

    /// The images that an aggregator evaluates on.
    private func heldOut(_ encoder: FrozenEncoder) throws -> String {
        let data = configuration.data
        guard data.isDivided else {
            return
                "none needed: \(try data.classNames.count) classes, and every client has \(encoder.examples) of its own"
        }
        guard configuration.evaluation.interval != nil || configuration.prompts.whitening else {
            return "none needed: this aggregator neither evaluates nor whitens"
        }
        return
            "\(try FederatedData(data, encoder: encoder).validation.count) \(encoder.examples) of \(data.dataset) held out"
    }

    // MARK: The run folder

    private mutating func lookAtRun(in folder: RunFolder) {
        do {
            guard try RunLogReader.holdsRun(in: folder) else {
                return note(.ok("run", "\(folder.path) holds none yet"))
            }
            // Fails where another aggregator holds it; continuing it would change it.
            _ = try LogFile.open(folder.segment(folder.segments().last ?? 1))
            let run = try PresentConfiguration(of: folder)
            let conflicts = try configuration.conflicts(with: run.header) { try run.present() }
            guard conflicts.isEmpty else {
                return note(
                    .failed(
                        "run", "\(folder.path) \(conflicts.words)",
                        advice: "start it with \(folder.configuration), or choose another folder"))
            }
            note(.ok("run", "\(folder.path) holds this run; the aggregator continues where its log ends"))
        } catch LogError.locked {
            note(
                .failed(
                    "run", "an aggregator is running on \(folder.path)",
                    advice: "impromptu status \(folder.path) shows its state; choose another folder for another run"))
        } catch {
            note(
                .failed(
                    "run", "\(error)",
                    advice:
                        "the log is damaged and cannot be continued: copy it, and see what replay and inspect report"))
        }
    }
}
