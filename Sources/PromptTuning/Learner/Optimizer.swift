import PromptAggregation

/// A trained tensor on its way: its value, its gradient at this step, and what the optimizer remembers of it.
package struct TrainedTensor {
    let name: String
    let shape: [Int]
    let learningRate: Double
    /// The values that the task started from.
    let base: [Float]
    package var values: [Float]
    package var gradient: [Float]
    fileprivate var firstMoment: [Float]
    fileprivate var secondMoment: [Float]
    /// For a pool of prompts, the rows that some batch used so far; the others stay as they are. nil: all elements move.
    package var touched: [Bool]?
    /// What SGD's steps add to the gradient after its bound: SCAFFOLD's c − c_i; nil for none.
    package var correction: [Float]?

    package init(name: String, tensor: Tensor, learningRate: Double, byRow: Bool) {
        self.name = name
        shape = tensor.shape
        self.learningRate = learningRate
        base = tensor.values
        values = tensor.values
        gradient = [Float](repeating: 0, count: values.count)
        firstMoment = gradient
        secondMoment = gradient
        touched = byRow ? [Bool](repeating: false, count: tensor.rows) : nil
    }

    /// The element ranges that move.
    fileprivate var movingRanges: [Range<Int>] {
        guard let touched else { return [0..<values.count] }
        let width = shape[1]
        return touched.indices.filter { touched[$0] }.map { $0 * width..<($0 + 1) * width }
    }

    var tensor: Tensor { Tensor(shape: shape, values: values) }
}

/// Moves trained tensors along their gradients as a plan says.
///
/// Adam: Kingma and Ba 2015, algorithm 1, ε = 1e-6 (as the authors of PFPT set it). AdamW: Loshchilov and Hutter 2019,
/// algorithm 2. SGD with momentum as PyTorch has it: b = momentum · b + g, v −= rate · b.
package struct Optimizer {
    private let plan: TrainingPlan
    private var step = 0

    static let adamEpsilon = 1e-6

    package init(_ plan: TrainingPlan) { self.plan = plan }

    /// Adds the penalties' gradients, bounds the whole gradient's norm, moves the values.
    package mutating func move(_ tensors: inout [TrainedTensor]) {
        step += 1
        for index in tensors.indices { addPenalties(&tensors[index]) }
        let scale = clipping(tensors)
        for index in tensors.indices {
            switch plan.optimizer {
            case .adam, .adamw: moveAdam(&tensors[index], scale)
            case .sgd: moveSGD(&tensors[index], scale)
            }
        }
    }

    /// The proximal term's gradient μ (v − base), and the L2 penalty's where the weight decay is not decoupled.
    private func addPenalties(_ tensor: inout TrainedTensor) {
        let pull = Float(plan.proximalWeight)
        let decay = plan.optimizer == .adamw ? 0 : Float(plan.weightDecay)
        guard pull != 0 || decay != 0 else { return }
        for range in tensor.movingRanges {
            for place in range {
                let value = tensor.values[place]
                tensor.gradient[place] += pull * (value - tensor.base[place]) + decay * value
            }
        }
    }

    /// The factor that brings the norm of all gradients together under the plan's bound.
    private func clipping(_ tensors: [TrainedTensor]) -> Float {
        guard plan.gradientClip > 0 else { return 1 }
        var square = 0.0
        for tensor in tensors {
            for range in tensor.movingRanges {
                for place in range { square += Double(tensor.gradient[place]) * Double(tensor.gradient[place]) }
            }
        }
        return Float(min(1, plan.gradientClip / (square.squareRoot() + 1e-6)))
    }

    private func moveAdam(_ tensor: inout TrainedTensor, _ scale: Float) {
        let first = Float(plan.momentum)
        let second = Float(plan.secondMomentDecay)
        let firstCorrection = 1 - power(plan.momentum, step)
        let secondCorrection = (1 - power(plan.secondMomentDecay, step)).squareRoot()
        let rate = Float(tensor.learningRate / firstCorrection)
        let rootScale = Float(1 / secondCorrection)
        let epsilon = Float(Self.adamEpsilon)
        let keep = plan.optimizer == .adamw ? Float(1 - tensor.learningRate * plan.weightDecay) : 1
        for range in tensor.movingRanges {
            for place in range {
                let gradient = tensor.gradient[place] * scale
                let mean = first * tensor.firstMoment[place] + (1 - first) * gradient
                let square = second * tensor.secondMoment[place] + (1 - second) * gradient * gradient
                tensor.firstMoment[place] = mean
                tensor.secondMoment[place] = square
                tensor.values[place] =
                    keep * tensor.values[place] - rate * mean / (square.squareRoot() * rootScale + epsilon)
            }
        }
    }

    private func moveSGD(_ tensor: inout TrainedTensor, _ scale: Float) {
        let momentum = Float(plan.momentum)
        let rate = Float(tensor.learningRate)
        for range in tensor.movingRanges {
            for place in range {
                let mean = momentum * tensor.firstMoment[place] + tensor.gradient[place] * scale
                tensor.firstMoment[place] = mean
                tensor.values[place] -= rate * (mean + (tensor.correction?[place] ?? 0))
            }
        }
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        for _ in 0..<exponent { result *= base }
        return result
    }
}
