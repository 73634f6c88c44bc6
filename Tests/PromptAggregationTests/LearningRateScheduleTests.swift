import Foundation
import PromptAggregation
import Testing

@Suite struct LearningRateScheduleTests {
    @Test func cosineFallsFromOneToTheFloor() {
        let schedule = LearningRateSchedule.cosine(versions: 8, floor: 0.2)
        for version in 0...8 {
            let expected = 0.2 + 0.4 * (1 + cos(Double.pi * Double(version) / 8))
            #expect(abs(schedule.factor(at: version) - expected) < 1e-15)
        }
        #expect(schedule.factor(at: 0) == 1)
        #expect(abs(schedule.factor(at: 4) - 0.6) < 1e-15)
        #expect(schedule.factor(at: 9) == schedule.factor(at: 8))
    }

    @Test func linearFallsInEqualSteps() {
        let schedule = LearningRateSchedule.linear(versions: 4, floor: 0)
        #expect((0...5).map(schedule.factor) == [1, 0.75, 0.5, 0.25, 0, 0])
        #expect(LearningRateSchedule.linear(versions: 2, floor: 0.5).factor(at: 1) == 0.75)
    }

    @Test func stepsFallAtMultiplesOfTheInterval() {
        let schedule = LearningRateSchedule.step(interval: 3, factor: 0.5)
        #expect((0...7).map(schedule.factor) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25])
    }

    @Test func aPlanIsScaledInItsTwoRatesAlone() {
        var plan = TrainingPlan()
        plan.promptLearningRate = 0.5
        plan.headLearningRate = 2
        plan.weightDecay = 0.25
        let scaled = plan.scalingRates(by: LearningRateSchedule.linear(versions: 4, floor: 0).factor(at: 1))
        #expect(scaled.promptLearningRate == 0.375)
        #expect(scaled.headLearningRate == 1.5)
        plan.promptLearningRate = 0.375
        plan.headLearningRate = 1.5
        #expect(scaled == plan)
        #expect(plan.scalingRates(by: LearningRateSchedule.constant.factor(at: 1000)) == plan)
    }
}
