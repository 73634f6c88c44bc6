import FederationRun
import Lab
import MessageLog
import PromptWire
import RunLog
import RunSettings

/// Not the channels of `MessageLog`, which know no run.
package typealias RunChannel = PromptWire.LogChannel

/// Runs a small federation in virtual time, with the real learner.
/// - Parameter earlier: what it begins with; nil for values of its own.
package func simulateSmallRun(
    _ folder: String, _ assignments: [String] = [], threads: Int = 2, earlier: EarlierPrompts? = nil
) throws -> RunFolder {
    let configuration = try RunConfiguration.load(
        base: RunConfiguration.demo, files: [], environment: [:],
        assignments: [
            "run.seed=7", "run.updates=12", "data.clients=4", "data.training_samples=200",
            "data.validation_samples=100",
            "federation.buffer_size=2", "federation.clients_to_start=2", "training.maximum_steps=1",
            "training.batch_size=8", "prompts.pool=6", "training.prompts_per_batch=3",
            "evaluation.interval_seconds=5", "data.minimum_samples=8", "data.alpha=0.1", "encoder.precision=float32",
            "worker.delay_seconds=1.5", "training.prompt_learning_rate=0.05", "training.head_learning_rate=1",
            "training.schedule_versions=56", "data.test_samples=2000",
        ] + assignments)
    let run = RunFolder(path: folder)
    var simulation = try Simulation(configuration: configuration, folder: run, threads: threads, earlier: earlier) {
        _, _ in
    }
    _ = try simulation.run()
    return run
}

/// Adds what people may ask for, and the end of a flush that is not under way, to the log of a run that is over, to which
/// they do nothing, so that every channel has records.
package func addRequests(to log: String) throws {
    let writer = try LogWriter(path: log, mode: .continue)
    let requests: [(RunChannel, [UInt8])] = [
        (.aggregated, LogCodec.encode(FlushAggregated(version: 1))),
        (.drain, LogCodec.encode(DrainRequested(patienceMilliseconds: 60_000))),
        (.setting, LogCodec.encode(SettingChanged(key: "run.seconds", value: "1000000"))),
    ]
    for (request, record) in requests {
        let schema = try writer.addSchema(name: request.schemaName, encoding: "protobuf", data: LogCodec.schema)
        let channel = try writer.addChannel(topic: request.rawValue, schema: schema)
        try writer.append(channel: channel, logTime: 10_000_000_000_000_000, data: record)
    }
    try writer.close()
}
