import Foundation
import Lab
import Testing
import Text

/// The paired t-test, against values of R's t.test and pbeta.
@Suite struct PairedTestTests {
    @Test func itAgreesWithR() {
        // t.test(c(1, 2, 4)): t = 2.6458, p-value = 0.1181
        let three = PairedTest([1, 2, 4])
        #expect(abs(three.differences.mean - 7.0 / 3) < 1e-12)
        #expect(abs(three.standardError - 0.8819171036881969) < 1e-12)
        #expect(abs(three.pValue - 0.11808289631180305) < 1e-9)
    }

    @Test func withoutSpreadItStillSaysSomething() {
        #expect(PairedTest([0, 0]).pValue == 1)
        #expect(PairedTest([1, 1]).pValue == 0)
        #expect(PairedTest([1]).pValue.isNaN)
    }

    /// One degree of freedom is Cauchy's distribution, two have a closed form too.
    @Test(arguments: [-3.0, -0.5, 0.2, 1, 8])
    func smallSamplesHaveClosedForms(t: Double) {
        let x1 = 1 / (1 + t * t)
        #expect(abs(incompleteBeta(x1, 0.5, 0.5) - (1 - 2 / Double.pi * atan(abs(t)))) < 1e-12)
        let x2 = 2 / (2 + t * t)
        #expect(abs(incompleteBeta(x2, 1, 0.5) - (1 - abs(t) / (2 + t * t).squareRoot())) < 1e-12)
    }

    @Test func holmAgreesWithR() {
        // p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
        let corrected = holm([0.01, 0.04, 0.03, 0.005])
        for (found, expected) in zip(corrected, [0.03, 0.06, 0.06, 0.02]) { #expect(abs(found - expected) < 1e-15) }
        #expect(holm([0.7, 0.8]) == [1, 1])
        let withoutOne = holm([.nan, 0.02])
        #expect(withoutOne[0].isNaN && withoutOne[1] == 0.02)
        #expect(holm([]).isEmpty)
    }
}
