import FederationRun
import Foundation
import Lab
import RunLog
import RunSettings
import TestSupport
import Testing

/// Which client gets which image, in a run and in `impromptu data`.
@Suite struct DataDivisionTests {
    /// Two data sets of small noise images, 3 and 2 classes, whose class is in the brightness.
    private func write(in folder: String) throws {
        for (name, classes, pixels) in [("one", 3, 64), ("two", 2, 3 * 36)] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            for (split, count) in [("train", 240), ("test", 60)] {
                let bytes = (0..<count).flatMap { image -> [UInt8] in
                    let label = image % classes
                    return [UInt8(label)] + (0..<pixels).map { UInt8(80 * label + ($0 * 7 + image * 13) % 60) }
                }
                try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)/\(split).bin"))
            }
        }
    }

    private func configuration(_ folder: String, _ assignments: [String] = []) throws -> RunConfiguration {
        try RunConfiguration.load(
            files: [], environment: [:],
            assignments: [
                "data.dataset=records:one:3x1x8x8+records:two:2x3x6x6", "data.path=\(folder)", "data.clients=4",
                "data.training_samples=300", "data.validation_samples=60", "data.test_samples=50",
                "data.minimum_samples=8", "data.by_source=true", "data.partition=iid",
            ] + assignments)
    }

    @Test func everybodyGetsWhatTheConfigurationSays() throws {
        try withTemporaryFolder { folder in
            try write(in: folder)
            let allotment = try Allotment(of: configuration(folder))
            #expect(allotment.clients.map(\.images) == [75, 75, 75, 75])
            #expect(allotment.clients[0].counts[3...] == [0, 0])
            #expect(allotment.clients[3].counts[..<3] == [0, 0, 0])
            #expect(allotment.validation.images == 60 && allotment.validation.counts == [10, 10, 10, 15, 15])
            #expect(allotment.test.images == 50)
            let rows = allotment.csv.split(separator: "\n").map { $0.split(separator: ",") }
            #expect(rows[0] == ["holder", "class", "class_name", "images"])
            let images = try rows.dropFirst().map { try #require(Int($0[3])) }
            #expect(images.reduce(0, +) == 410)
            #expect(rows.contains { $0[0] == "client-03" && $0[2] == "two: 1" })
            let picture = PartitionPicture.svg(allotment, heading: "a < b")
            #expect(picture.components(separatedBy: "<circle").count == 11)
            #expect(picture.contains("a &lt; b") && picture.hasSuffix("</svg>\n"))
        }
    }

    @Test func anErrorNamesTheKeyThatAsksForTooManyImages() throws {
        try withTemporaryFolder { folder in
            try write(in: folder)
            for (key, problem) in [
                ("validation_samples", "one: expected to choose 0 to 240 images, found 500"),
                ("training_samples", "one: expected to choose 0 to 210 images, found 500"),
                ("test_samples", "one: expected to choose 0 to 60 images, found 500"),
            ] {
                #expect {
                    try Allotment(of: configuration(folder, ["data.\(key)=1000"]))
                } throws: {
                    "\($0)" == "data.\(key): \(problem)"
                }
            }
        }
    }

    @Test func numbersThatAreTooLargeForASmallFolderAreNamedTogether() throws {
        try withTemporaryFolder { folder in
            try write(in: folder)
            #expect {
                try Allotment(
                    of: configuration(
                        folder,
                        [
                            "data.validation_samples=5000", "data.clients=50", "data.minimum_samples=32",
                            "data.partition=dirichlet", "data.training_samples=0",
                        ]))
            } throws: {
                "\($0)".hasSuffix(
                    " has 480 training samples; data.validation_samples: expected 0 to 480, found 5000;"
                        + " data.clients: expected at most 15 with data.minimum_samples 32, found 50")
            }
        }
    }

    @Test func aLongTailThinsTheTrainingSplitAlone() throws {
        try withTemporaryFolder { folder in
            try write(in: folder)
            let allotment = try Allotment(
                of: configuration(folder, ["data.imbalance_factor=10", "data.training_samples=0"]))
            let counts = (0..<5).map { label in allotment.clients.reduce(0) { $0 + $1.counts[label] } }
            #expect(counts == [70, 22, 7, 105, 11])
            #expect(allotment.validation.counts == [10, 10, 10, 15, 15])
        }
    }

    @Test func aDataSetIsDescribed() throws {
        try withTemporaryFolder { folder in
            try write(in: folder)
            let description = try DatasetDescription(of: configuration(folder))
            #expect(!description.isDamaged)
            #expect(description.lines[0] == "train: 480 images, 240 of 1 x 8 x 8, 240 of 3 x 6 x 6")
            #expect(description.splits[1].counts == [20, 20, 20, 30, 30])
            let images = folder + "/pictures"
            for split in ["train", "test"] {
                try FileManager.default.createDirectory(
                    atPath: "\(images)/\(split)/a", withIntermediateDirectories: true)
                try Data([0xff, 0xd8, 0xff]).write(to: URL(fileURLWithPath: "\(images)/\(split)/a/broken.jpg"))
            }
            let damaged = try DatasetDescription(
                of: RunConfiguration.load(
                    files: [], environment: [:], assignments: ["data.dataset=folder:pictures", "data.path=\(images)"]))
            #expect(damaged.isDamaged)
            #expect(damaged.lines.contains { $0.contains("test/a/broken.jpg") })
        }
    }

    @Test func masksCountOnSeveralSources() throws {
        try withTemporaryFolder { folder in
            try write(in: folder)
            var simulation = try Simulation(
                configuration: configuration(
                    folder,
                    [
                        "run.updates=8", "encoder.image_size=16", "federation.buffer_size=2", "prompts.pool=4",
                        "training.maximum_steps=2", "training.prompts_per_batch=2", "simulation.evaluate_test=true",
                        "simulation.evaluation_updates=4", "training.head_learning_rate=0.01",
                    ]), folder: RunFolder(path: folder + "/run"), threads: 1
            ) { _, _ in }
            _ = try simulation.run()
            let rows = simulation.history.evaluations
            #expect(rows.map(\.updates) == [0, 4, 8])
            #expect(simulation.testEvaluations.map(\.version) == rows.map(\.version))
            #expect(rows.allSatisfy { $0.maskedAccuracy >= $0.accuracy })
            #expect(rows.contains { $0.maskedAccuracy > $0.accuracy })
        }
    }
}
