import Foundation
import PromptAggregation
import Testing

/// The elementary functions against mpmath (Fixtures/make_elementary.py), in units of the last place.
@Suite struct ElementaryTests {
    struct Case: Decodable {
        let arguments: [Double]
        /// The float64 nearest to the true value, and how far that lies above it in its last place.
        let nearest: Double
        let rest: Double

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            func number(_ text: String) throws -> Double {
                Double(bitPattern: try #require(UInt64(text, radix: 16)))
            }
            arguments = try list.decode([String].self).map(number)
            nearest = try number(list.decode(String.self))
            rest = try list.decode(Double.self)
        }
    }

    static func cases(_ name: String) throws -> [Case] {
        let file = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/elementary.json")
        let all = try JSONDecoder().decode([String: [Case]].self, from: Data(contentsOf: file))
        let cases = try #require(all[name], "no cases of \(name)")
        try #require(cases.count >= 120)
        return cases
    }

    /// The largest error over all cases, in last places of the true value.
    static func error(_ name: String, _ function: ([Double]) -> Double) throws -> Double {
        try cases(name).reduce(0) { worst, item in
            max(worst, abs((function(item.arguments) - item.nearest) / item.nearest.ulp - item.rest))
        }
    }

    @Test func staysWithinItsStatedErrors() throws {
        #expect(try Self.error("exp") { Elementary.exp($0[0]) } < 0.7)
        #expect(try Self.error("expm1") { Elementary.expm1($0[0]) } < 1.4)
        #expect(try Self.error("log") { Elementary.log($0[0]) } < 0.6)
        #expect(try Self.error("log1p") { Elementary.log1p($0[0]) } < 0.9)
        #expect(try Self.error("power") { Elementary.power($0[0], $0[1]) } < 1)
        #expect(try Self.error("cosOfTurns") { Elementary.cosOfTurns($0[0]) } < 1)
        for item in try Self.cases("logGamma") {
            let error = abs(Elementary.logGamma(item.arguments[0]) - item.nearest)
            #expect(error < 8e-15 * max(1, abs(item.nearest)), "\(item.arguments)")
        }
        for item in try Self.cases("digamma") {
            let error = abs(Elementary.digamma(item.arguments[0]) - item.nearest)
            #expect(error < 1e-14 * max(1, abs(item.nearest)), "\(item.arguments)")
        }
    }

    @Test func knowsItsEdges() {
        let infinity = Double.infinity
        #expect(Elementary.exp(0) == 1 && Elementary.exp(infinity) == infinity && Elementary.exp(-infinity) == 0)
        #expect(Elementary.exp(709.78) < infinity && Elementary.exp(710) == infinity && Elementary.exp(-746) == 0)
        #expect(Elementary.exp(-745.1) == .leastNonzeroMagnitude && Elementary.exp(.nan).isNaN)
        #expect(Elementary.expm1(0) == 0 && Elementary.expm1(-infinity) == -1 && Elementary.expm1(infinity) == infinity)
        #expect(Elementary.log(0) == -infinity && Elementary.log(-1).isNaN && Elementary.log(infinity) == infinity)
        #expect(Elementary.log(1) == 0 && Elementary.log(.nan).isNaN)
        #expect(abs(Elementary.log(.leastNonzeroMagnitude) + 744.4400719213812) < 1e-12)
        #expect(Elementary.log1p(-1) == -infinity && Elementary.log1p(-2).isNaN && Elementary.log1p(1e-300) == 1e-300)
        #expect(Elementary.power(0, 0) == 1 && Elementary.power(0, 2) == 0 && Elementary.power(0, -2) == infinity)
        #expect(
            Elementary.power(-1, 2).isNaN && Elementary.power(1, .nan) == 1 && Elementary.power(2, 1e308) == infinity)
        #expect(Elementary.power(0.5, 3) == 0.125 && Elementary.power(9, 0.5) == 3)
        #expect(Elementary.power(infinity, -1) == 0 && Elementary.power(0.5, -infinity) == infinity)
        #expect([0, 0.25, 0.5, 0.75, 1].map(Elementary.cosOfTurns) == [1, 0, -1, 0, 1])
        #expect(Elementary.cosOfTurns(infinity).isNaN)
        #expect(Elementary.logGamma(0).isNaN && Elementary.logGamma(infinity) == infinity)
        #expect(Elementary.softplus(-1e30) == 0 && Elementary.softplus(1e30) == 1e30)
    }
}
