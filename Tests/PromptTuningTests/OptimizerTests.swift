import Foundation
import PromptAggregation
import PromptTuning
import Safetensors
import Testing

/// Steps of the optimizers and the penalties against PyTorch's in float64.
@Suite struct OptimizerTests {
    private static let plans: [(String, @Sendable (inout TrainingPlan) -> Void)] = [
        ("adam", { $0.optimizer = .adam }),
        (
            "adam.decay",
            {
                $0.optimizer = .adam
                $0.weightDecay = 0.1
            }
        ),
        (
            "adamw",
            {
                $0.optimizer = .adamw
                $0.weightDecay = 0.1
            }
        ),
        (
            "sgd",
            {
                $0.optimizer = .sgd
                $0.weightDecay = 0.1
            }
        ),
        (
            "sgd.clip",
            {
                $0.optimizer = .sgd
                $0.gradientClip = 0.5
            }
        ),
        (
            "adam.proximal",
            {
                $0.optimizer = .adam
                $0.proximalWeight = 0.3
            }
        ),
    ]

    @Test func stepsMatchPyTorch() throws {
        let file = try SafetensorsFile(path: Bundle.module.bundlePath + "/Fixtures/optimizers-3x4.safetensors")
        let start = Tensor(shape: [3, 4], values: try file.tensor(named: "start").floats())
        let gradients = try file.tensor(named: "gradients").floats()
        for (name, change) in Self.plans {
            var plan = TrainingPlan()
            plan.momentum = 0.9
            plan.secondMomentDecay = 0.98
            change(&plan)
            var optimizer = Optimizer(plan)
            var tensors = [TrainedTensor(name: name, tensor: start, learningRate: 0.05, byRow: false)]
            for step in 0..<6 {
                tensors[0].gradient = Array(gradients[step * 12..<(step + 1) * 12])
                optimizer.move(&tensors)
            }
            let expected = try file.tensor(named: "expected." + name).doubles()
            #expect(relativeError(tensors[0].values, expected) < 1e-5, "\(name)")
        }
    }

    @Test func untouchedRowsStay() {
        var plan = TrainingPlan()
        plan.optimizer = .adamw
        plan.weightDecay = 0.1
        plan.proximalWeight = 1
        let start = Tensor(shape: [2, 2], values: [1, 2, 3, 4])
        var tensors = [TrainedTensor(name: "prompts", tensor: start, learningRate: 0.1, byRow: true)]
        tensors[0].touched?[1] = true
        tensors[0].gradient = [5, 5, 5, 5]
        var optimizer = Optimizer(plan)
        optimizer.move(&tensors)
        #expect(tensors[0].values[..<2] == [1, 2])
        #expect(tensors[0].values[2] < 3 && tensors[0].values[3] < 4)
    }
}
