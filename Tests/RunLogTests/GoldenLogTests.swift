import CZlib
import Federation
import Foundation
import PromptAggregation
import PromptWire
import RunLog
import TestSupport
import Testing

/// Recorded runs of every strategy and mode, which every build replays to the bits that were logged, with each variant of
/// the kernels. A build that gives other bits raises `AggregationAlgorithm.version`, and `make golden-logs` records them again.
@Suite(.serialized) struct GoldenLogTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../GoldenLogs")
    /// Set to record the logs in place of replaying them.
    private static let isRecording = ProcessInfo.processInfo.environment["IMPROMPTU_RECORD_GOLDEN_LOGS"] != nil

    struct Recipe: CustomStringConvertible, Sendable {
        var strategy: String
        var mode: String
        var description: String { "\(strategy)-\(mode)" }
        var file: URL { folder.appending(path: "\(description).mcap.gz") }

        /// Small figures for the strategies' costly settings.
        private static let quick = ["sweeps": "4", "hidden": "5", "iterations": "4", "restarts": "2"]

        var assignments: [String] {
            let settings = StrategyCatalog.entries.first { $0.name == strategy }!.settings
            return [
                "strategy.name=\(strategy)", "federation.mode=\(mode)", "federation.over_selection=0.5",
                "federation.late_updates=carry-over",
            ] + settings.compactMap { setting in Self.quick[setting.key].map { "strategy.\(setting.key)=\($0)" } }
        }
    }

    static let recipes = StrategyCatalog.names.flatMap { strategy in
        ["buffered", "synchronous", "continuous"].map { Recipe(strategy: strategy, mode: $0) }
    }

    @Test(arguments: AggregationKernels.allCases.filter(\.isSupported))
    func everyGoldenLogReplays(variant: AggregationKernels) throws {
        let before = AggregationKernels.chosen
        try AggregationKernels.choose(variant)
        defer { try? AggregationKernels.choose(before) }
        for recipe in Self.recipes {
            if Self.isRecording { try record(recipe) }
            try withTemporaryFolder { folder in
                let log = folder + "/run-000001.mcap"
                try unpack(recipe.file).write(to: URL(filePath: log))
                var versions = 0
                _ = try Replay(path: log) { step in
                    guard case .checked(let publication) = step else { return }
                    versions += 1
                    #expect(
                        publication.isEqual,
                        "\(recipe): version \(publication.version) has other bits; AggregationAlgorithm.version goes up then"
                    )
                }
                #expect(versions > 4, "\(recipe)")
                #expect(try LogVerification(log: log).problem == nil)
            }
        }
    }

    /// Its records are of today's format, and its schema lacks fields that came since.
    @Test func aLogWithAnEarlierSchemaContinues() throws {
        try withTemporaryFolder { folder in
            let log = folder + "/run-000001.mcap"
            try unpack(Self.folder.appending(path: "earlier-schema/fedavg-buffered.mcap.gz"))
                .write(to: URL(filePath: log))
            let before = try Replay(path: log)
            #expect(try Data(contentsOf: URL(filePath: log)).range(of: Data(LogCodec.schema)) == nil)
            try ScriptedRun.startAgain(RunFolder(path: folder))
            let after = try Replay(path: log)
            #expect(after.records > before.records && after.epoch == before.epoch + 1)
            #expect(after.aggregator?.version == before.aggregator?.version)
            #expect(try LogVerification(log: log).problem == nil)
        }
    }

    @Test func thereAreNoOthers() throws {
        let all = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path())
        let files = all.filter { $0.hasSuffix(".gz") }
        #expect(Set(files) == Set(Self.recipes.map { "\($0).mcap.gz" }))
        let bytes = try files.reduce(0) { try $0 + Data(contentsOf: Self.folder.appending(path: $1)).count }
        #expect(bytes < 1_000_000)
    }

    private func record(_ recipe: Recipe) throws {
        try withTemporaryFolder { folder in
            let run = try ScriptedRun.write(to: folder, recipe.assignments, starts: 2, closes: false)
            let bytes = try Data(contentsOf: URL(filePath: run.segment(1)))
            let file = try #require(gzopen(recipe.file.path(), "wb9"))
            let written = bytes.withUnsafeBytes { gzwrite(file, $0.baseAddress, UInt32($0.count)) }
            try #require(gzclose(file) == Z_OK && Int(written) == bytes.count)
        }
    }

    private func unpack(_ file: URL) throws -> Data {
        let opened = try #require(gzopen(file.path(), "rb"), "no \(file.path()); 'make golden-logs' records it")
        defer { gzclose(opened) }
        var content = Data()
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = gzread(opened, &part, UInt32(part.count))
            try #require(count >= 0)
            if count == 0 { return content }
            content.append(contentsOf: part.prefix(Int(count)))
        }
    }
}
