import FuzzTargets
import Glibc

/// libFuzzer's entry for each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target.run(UnsafeRawBufferPointer(start: start, count: count))
    return 0
}

/// libFuzzer's entry before all inputs: writes the target's seeds where IMPROMPTU_FUZZ_SEEDS says.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_: UnsafeMutablePointer<CInt>?, _: UnsafeMutableRawPointer?) -> CInt {
    guard let folder = variable("IMPROMPTU_FUZZ_SEEDS") else { return 0 }
    for (number, seed) in target.seeds.enumerated() {
        guard let file = fopen("\(folder)/seed-\(number)", "w") else { fatalError("\(folder): cannot write a seed") }
        fwrite(seed, 1, seed.count, file)
        fclose(file)
    }
    return 0
}
