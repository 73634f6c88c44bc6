import Foundation

/// This process's resident memory.
func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    guard text.count > 1, let pages = Int(text[1]) else { throw BenchmarkError("/proc/self/statm: not understood") }
    return pages * Int(sysconf(CInt(_SC_PAGESIZE)))
}

/// The most resident memory of this process since `forgetPeak`.
func peakResidentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
        let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { throw BenchmarkError("/proc/self/status: not understood") }
    return kibibytes * 1024
}

func forgetPeak() throws {
    guard let file = fopen("/proc/self/clear_refs", "w") else {
        throw BenchmarkError("/proc/self/clear_refs: cannot write")
    }
    fputs("5", file)
    fclose(file)
}
