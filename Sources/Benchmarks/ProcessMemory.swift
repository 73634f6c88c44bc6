import Foundation

/// This process's resident memory.
func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    guard text.count > 1, let pages = Int(text[1]) else { throw BenchmarkError("/proc/self/statm: not understood") }
    return pages * Int(sysconf(CInt(_SC_PAGESIZE)))
}
