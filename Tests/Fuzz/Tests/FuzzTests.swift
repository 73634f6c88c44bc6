import Foundation
import FuzzTargets
import PromptAggregation
import Testing

/// What `make fuzz` does for minutes, without libFuzzer and sanitizers: the targets' seeds, what once broke something, and
/// damaged copies of both. A target traps where something does not hold.
@Suite struct FuzzTests {
    @Test(arguments: FuzzTarget.allCases) func seedsAndDamagedSeedsHoldWhatMustHold(_ target: FuzzTarget) throws {
        var random = SeededRandom(seed: 7)
        let seeds = target.seeds + (try findings(of: target))
        for seed in seeds {
            seed.withUnsafeBytes { target.run($0) }
            for _ in 0..<rounds(of: target) {
                var bytes = seed
                for _ in 0..<Int.random(in: 1...3, using: &random) { damage(&bytes, with: seeds, &random) }
                bytes.withUnsafeBytes { target.run($0) }
            }
        }
    }

    /// Each file in Seeds/<target> once broke something; its name says what.
    private func findings(of target: FuzzTarget) throws -> [[UInt8]] {
        let folder = try #require(Bundle.module.url(forResource: "Seeds", withExtension: nil))
            .appending(path: target.rawValue)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return try names.sorted().map { [UInt8](try Data(contentsOf: folder.appending(path: $0))) }
    }

    /// A script of the aggregator's takes milliseconds, as it makes versions.
    private func rounds(of target: FuzzTarget) -> Int {
        switch target {
        case .aggregator, .replay: 20
        case .configuration: 50
        case .wire, .log, .safetensors, .datasets: 300
        case .kernels: 30
        }
    }

    private func damage(_ bytes: inout [UInt8], with others: [[UInt8]], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else { return bytes.append(.random(in: 0...255, using: &random)) }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[place] = [0, 1, 0x7f, 0x80, 0xfe, 0xff].randomElement(using: &random)!
        case 2: bytes.removeSubrange(place...)
        case 3: bytes.insert(.random(in: 0...255, using: &random), at: place)
        case 4: bytes.remove(at: place)
        case 5: bytes[place] = .random(in: 0...255, using: &random)
        default:
            let other = others.randomElement(using: &random)!
            let from = Int.random(in: 0...other.count, using: &random)
            bytes.insert(contentsOf: other[from...].prefix(64), at: place)
        }
    }
}
