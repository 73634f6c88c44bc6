import Federation
import Foundation
import Glibc
import PromptAggregation
import PromptTuning
import RunLog
import RunSettings
import Text

/// Disk, memory, limits, clock.
extension Checkup {
    private static let mebibyte = 1 << 20

    private static func words(_ bytes: Int) -> String {
        bytes >= 10 << 30 ? "\(bytes >> 30) GiB" : "\(bytes >> 20) MiB"
    }

    // MARK: Disk

    /// - Parameter needed: bytes that the folder grows by, nil where that is open.
    mutating func lookAtDisk(_ subject: String, _ path: String, needed: Int?) {
        var folder = URL(fileURLWithPath: path).standardizedFileURL
        while !FileManager.default.fileExists(atPath: folder.path), folder.path != "/" {
            folder.deleteLastPathComponent()
        }
        do {
            let sync = try Self.medianSync(in: folder.path)
            let free = try Self.freeBytes(at: folder.path)
            note(free: free, needed: needed, subject, folder.path)
            let figure = "fdatasync of 32 KiB takes \(decimal(sync / .milliseconds(1), 2)) ms in the median"
            if sync <= .milliseconds(20) { return note(.ok("\(subject): speed", figure)) }
            note(
                .warning(
                    "\(subject): speed", figure,
                    advice: "acknowledgements wait for it; put the folder on a local disk"))
        } catch {
            note(.failed(subject, "\(error)", advice: "name a folder that this user (\(getuid())) can write to"))
        }
    }

    private mutating func note(free: Int, needed: Int?, _ subject: String, _ path: String) {
        let figure = "\(Self.words(free)) free at \(path)"
        if free < 64 * Self.mebibyte {
            return note(.failed(subject, figure, advice: "free some; a full disk ends the service"))
        }
        let least = needed ?? 1 << 30
        if free >= least { return note(.ok(subject, figure)) }
        let growth = needed.map { "the log may grow to \(Self.words($0))" } ?? "the log grows with every update"
        note(.warning(subject, "\(figure), \(growth)", advice: "free some, or put the folder elsewhere"))
    }

    private static func freeBytes(at path: String) throws -> Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw RunFolderError("\(path): \(String(cString: strerror(errno)))") }
        return Int(clamping: UInt64(status.f_bavail)) * Int(status.f_frsize)
    }

    /// What the aggregator waits for before each acknowledgement.
    private static func medianSync(in folder: String) throws -> Duration {
        var path = Array("\(folder)/.impromptu-check-XXXXXX".utf8CString)
        let descriptor = mkstemp(&path)
        guard descriptor >= 0 else {
            throw RunFolderError("\(folder): cannot write: \(String(cString: strerror(errno)))")
        }
        defer {
            close(descriptor)
            unlink(path)
        }
        let bytes = [UInt8](repeating: 0x5a, count: 32 << 10)
        let times = try (0..<15).map { _ in
            let start = ContinuousClock.now
            guard write(descriptor, bytes, bytes.count) == bytes.count, fdatasync(descriptor) == 0 else {
                throw RunFolderError("\(folder): cannot write and sync: \(String(cString: strerror(errno)))")
            }
            return ContinuousClock.now - start
        }.sorted()
        return times[times.count / 2]
    }

    // MARK: Limits

    /// An aggregator raises the soft limit itself, so the hard one counts.
    mutating func lookAtOpenFiles() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        let (hard, clients) = (Int(clamping: limit.rlim_max), configuration.data.clients)
        let figure = "\(hard) may be open, up to \(OpenFiles.needed(forClients: clients)) are needed"
        guard let shortage = OpenFiles.shortage(of: hard, forClients: clients) else {
            return note(.ok("open files", figure))
        }
        note(.warning("open files", figure, advice: shortage.remedy))
    }

    // MARK: Memory

    mutating func lookAtMemory() {
        guard let available = Self.availableMemory() else { return }
        let weights = (encoder?.weightsPaths ?? []).reduce(0) { sum, path in
            sum + (((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int) ?? 0)
        }
        var needed = 100 * Self.mebibyte + 3 * weights
        if case .aggregator = role {
            needed += (configuration.federation.maximumStaleness + 1) * stateBytes + configuration.data.clients * 65_536
        }
        if configuration.prompts.firstBlock > 0 { needed += configuration.encoder.cacheBytes }
        let figure = "\(Self.words(available)) available, about \(Self.words(needed)) needed"
        if available >= needed { return note(.ok("memory", figure)) }
        note(
            .warning(
                "memory", figure,
                advice: "give it more, or lower federation.maximum_staleness, encoder.cache_bytes or the pool"))
    }

    /// Of the machine or of the control group, whichever is less.
    private static func availableMemory() -> Int? {
        func number(_ path: String) -> Int? {
            (try? String(contentsOfFile: path, encoding: .utf8)).flatMap {
                Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
        let machine = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8))?.split(separator: "\n")
            .first { $0.hasPrefix("MemAvailable:") }?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            .map { $0 << 10 }
        let group = number("/sys/fs/cgroup/memory.max").map { $0 - (number("/sys/fs/cgroup/memory.current") ?? 0) }
        return [machine, group].compactMap { $0 }.min()
    }

    // MARK: Clock

    /// The program depends on no absolute time; a clock that is far off makes logs and figures hard to read.
    mutating func lookAtClock() {
        let now = Date()
        let advice = "set the clock, and let chrony or systemd-timesyncd keep it"
        let time = now.formatted(.iso8601)
        if now < Date(timeIntervalSince1970: 1_767_225_600) {
            return note(.warning("clock", "\(time), which is before this program was made", advice: advice))
        }
        if case .aggregator(let folder?) = role,
            let newest = try? folder.segments().last,
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder.segment(newest)),
            let written = attributes[.modificationDate] as? Date,
            written.timeIntervalSince(now) > 5
        {
            return note(.warning("clock", "\(time), but the run's log was written later", advice: advice))
        }
        note(.ok("clock", time))
    }
}
