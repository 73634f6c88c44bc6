import CKernels
import PromptAggregation

/// x = Ω (f − μ): class features f moved and turned so that over some images they have mean 0 and covariance near the
/// identity; the head then works on x.
///
/// Class features of a frozen encoder have a large common part and a few strong directions. Under skewed labels every
/// client's steps fight over these first, and the differences between classes are learnt last. Whitening is
/// preconditioning by the features' covariance, the input factor of K-FAC (Martens and Grosse, ICML 2015, section 3),
/// fixed at the start of a run. Nothing runs slower: Ω and μ are folded into the head.
struct FeatureWhitening {
    private let width: Int
    /// μ: [width].
    private let mean: [Float]
    /// Ω: [width, width].
    private let matrix: [Float]

    /// From the state's fixed tensors, nil when it has none.
    /// - Throws: `TuningError` when one of them is missing or has another shape.
    init?(_ parameters: Parameters, width: Int) throws(TuningError) {
        let (mean, matrix) = (parameters[Parameters.featureMean], parameters[Parameters.featureWhitening])
        if mean == nil && matrix == nil { return nil }
        for (name, tensor, shape) in [
            (Parameters.featureMean, mean, [width]), (Parameters.featureWhitening, matrix, [width, width]),
        ] {
            guard let tensor else { throw .missingParameter(name) }
            guard tensor.shape == shape else { throw .parameterShape(name, expected: "\(shape)", found: tensor.shape) }
        }
        self.width = width
        self.mean = mean!.values
        self.matrix = matrix!.values
    }

    /// Ω (f − μ).
    func applied(to feature: [Double]) -> [Double] {
        let centred = (0..<width).map { feature[$0] - Double(mean[$0]) }
        return (0..<width).map { row in
            (0..<width).reduce(0) { $0 + Double(matrix[row * width + $1]) * centred[$1] }
        }
    }

    /// The layer on f that equals a layer on x: W Ω and b − W Ω μ.
    func folded(_ layer: Head.Layer, _ kernels: Kernels) -> Head.Layer {
        var weight = layer.weight
        kernels.call.linear_input_gradient(
            layer.outputs, width, width, layer.weight, width, matrix, &weight, width)
        var bias = layer.bias
        for row in bias.indices {
            for column in 0..<width { bias[row] -= weight[row * width + column] * mean[column] }
        }
        return Head.Layer(weight: weight, bias: bias)
    }

    /// The gradient of a layer's weight on x, from those of the folded layer: (∂W' − ∂b' μᵀ) Ωᵀ.
    func unfolded(weightGradient: [Float], biasGradient: [Float], _ kernels: Kernels) -> [Float] {
        var centred = weightGradient
        for row in biasGradient.indices {
            for column in 0..<width { centred[row * width + column] -= biasGradient[row] * mean[column] }
        }
        var result = centred
        kernels.call.linear(biasGradient.count, width, width, centred, width, matrix, nil, &result, width)
        return result
    }

    /// The share of the mean variance that is added to each variance, so that directions without data stay small.
    ///
    /// Fewer images than dimensions leave the covariance singular and its small variances a matter of chance, the more so the
    /// fewer they are; then width / images did best, over images, rates and optimizers (docs/decisions/0003).
    private static func shrinkage(images: Int, width: Int) -> Double {
        images < width ? Double(width) / Double(images) : 0.1
    }

    /// μ and Ω of some class features: Ω = L⁻¹ with covariance + shrinkage = L Lᵀ.
    ///
    /// - Parameter features: [images, width], at least one image.
    static func estimate(_ features: [Float], width: Int) -> (mean: Tensor, whitening: Tensor) {
        let images = features.count / width
        var mean = [Double](repeating: 0, count: width)
        for (place, value) in features.enumerated() { mean[place % width] += Double(value) / Double(images) }
        var factor = covariance(features, mean, images: images)
        let variance = (0..<width).reduce(0) { $0 + factor[$1 * width + $1] } / Double(width)
        let added = max(shrinkage(images: images, width: width) * variance, 1e-12)
        for place in 0..<width { factor[place * width + place] += added }
        choleskyInPlace(&factor, width)
        let inverse = invertedLowerTriangle(factor, width)
        return (
            Tensor(shape: [width], values: mean.map { Float($0) }),
            Tensor(shape: [width, width], values: inverse.map { Float($0) })
        )
    }

    private static func covariance(_ features: [Float], _ mean: [Double], images: Int) -> [Double] {
        let width = mean.count
        var sum = [Double](repeating: 0, count: width * width)
        var row = [Double](repeating: 0, count: width)
        for image in 0..<images {
            for column in 0..<width { row[column] = Double(features[image * width + column]) - mean[column] }
            for i in 0..<width {
                let left = row[i]
                for j in 0...i { sum[i * width + j] += left * row[j] }
            }
        }
        for place in sum.indices { sum[place] /= Double(images) }
        return sum
    }

    /// Replaces the lower triangle of A by L with A = L Lᵀ.
    private static func choleskyInPlace(_ a: inout [Double], _ n: Int) {
        for j in 0..<n {
            var pivot = a[j * n + j]
            for k in 0..<j { pivot -= a[j * n + k] * a[j * n + k] }
            let root = max(pivot, 1e-300).squareRoot()
            a[j * n + j] = root
            for i in j + 1..<max(n, j + 1) {
                var sum = a[i * n + j]
                for k in 0..<j { sum -= a[i * n + k] * a[j * n + k] }
                a[i * n + j] = sum / root
            }
        }
    }

    /// L⁻¹, with zeros above the diagonal.
    private static func invertedLowerTriangle(_ l: [Double], _ n: Int) -> [Double] {
        var inverse = [Double](repeating: 0, count: n * n)
        for column in 0..<n {
            inverse[column * n + column] = 1 / l[column * n + column]
            for row in column + 1..<max(n, column + 1) {
                var sum = 0.0
                for k in column..<row { sum -= l[row * n + k] * inverse[k * n + column] }
                inverse[row * n + column] = sum / l[row * n + row]
            }
        }
        return inverse
    }
}
