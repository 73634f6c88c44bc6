import Foundation
import RunSettings

/// Which worker of how many a process is.
public struct WorkerPlace: Equatable, Sendable {
    public var index: Int
    public var of: Int

    public init(index: Int, of: Int) {
        self.index = index
        self.of = of
    }

    /// The clients that it hosts, as indexes in the list of all.
    public func clients(of count: Int) -> [Int] { Array(stride(from: index, to: count, by: of)) }

    /// The name of its key.
    public var key: String { "worker-\(index)" }

    /// From Slurm: the index in the job array and the index in the job step. An array may begin at any number and count
    /// by any step.
    /// - Parameter workers: how many there are in all, nil for as many as the array and the step have. With it
    ///   SLURM_ARRAY_TASK_ID counts from 0 whatever the array, so that some of its tasks can be submitted alone.
    /// - Throws: `ConfigurationError` where the process is no task of Slurm's, or beyond the last worker.
    public init(of workers: Int? = nil, environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        func number(_ name: String) throws -> Int? {
            guard let text = environment[name] else { return nil }
            guard let number = Int(text), number >= 0 else {
                throw ConfigurationError("\(name): expected a whole number, found '\(text)'")
            }
            return number
        }
        func needed(_ name: String) throws -> Int {
            if let number = try number(name) { return number }
            throw ConfigurationError("--slurm: expected \(name) beside SLURM_ARRAY_TASK_ID, found none")
        }
        let (rank, ranks) =
            if let tasks = try number("SLURM_STEP_NUM_TASKS"), let rank = try number("SLURM_PROCID") {
                (rank, tasks)
            } else { (0, 1) }
        if let id = try number("SLURM_ARRAY_TASK_ID") {
            if let workers {
                (index, of) = (id * ranks + rank, workers)
            } else {
                let step = max(1, try number("SLURM_ARRAY_TASK_STEP") ?? 1)
                index = (id - (try needed("SLURM_ARRAY_TASK_MIN"))) / step * ranks + rank
                of = try needed("SLURM_ARRAY_TASK_COUNT") * ranks
            }
        } else if environment["SLURM_STEP_NUM_TASKS"] != nil {
            (index, of) = (rank, workers ?? ranks)
        } else {
            throw ConfigurationError(
                "--slurm: expected a task of a job array (SLURM_ARRAY_TASK_ID) or of srun (SLURM_PROCID); found neither"
            )
        }
        guard (0..<of).contains(index) else {
            throw ConfigurationError(
                "--slurm: worker \(index) of \(of): expected an index below \(of); give --workers for an array with"
                    + " gaps")
        }
    }
}
