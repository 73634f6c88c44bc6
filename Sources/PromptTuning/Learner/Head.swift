import CKernels
import PromptAggregation

/// What is trained behind the class feature: y = W x + b, or with a hidden layer y = W (m ⊙ (V x + c)) + b, m the dropout's
/// factors. There is no nonlinearity between the two, as in the head of the authors of PFPT.
///
/// x is the class feature, or what the encoder's frozen classifier makes of it.
struct Head {
    /// weight: [outputs, inputs], bias: [outputs].
    struct Layer {
        let weight, bias: [Float]
        var outputs: Int { bias.count }
        var inputs: Int { weight.count / bias.count }
    }

    let hidden: Layer?
    let output: Layer
    let onClassifier: Bool
    /// Factors of the hidden values, [images of the batch, hidden]; nil for none.
    let dropout: [Float]?
    let terms: ClassTerms

    var classes: Int { output.outputs }
}

/// The head's pass over a batch, some consecutive images at a time, on several threads.
final class HeadPass {
    /// [images, classes].
    let logits: FloatMemory
    private let head: Head
    private let kernels: Kernels
    /// The frozen layer in front of the head, if it works on one.
    private let classifier: FrozenLayer?
    private let images: Int
    private let featureStride: Int
    /// What the first trained layer reads: [images, inputStride]. The class features themselves without a classifier.
    private let inputs: FloatMemory
    private let inputStride: Int
    /// What the last layer reads behind a hidden one: [images, hidden].
    private let hiddenValues: FloatMemory
    // Gradients of the same, empty when none are wanted.
    private let logitGradients, hiddenGradients, inputGradients: FloatMemory

    /// - Parameter features: [images, padded width], to be filled before each `forward`.
    init(_ head: Head, encoder: FrozenEncoder, kernels: Kernels, features: FloatMemory, images: Int, gradients: Bool) {
        self.head = head
        self.kernels = kernels
        self.images = images
        classifier = head.onClassifier ? encoder.classifier : nil
        featureStride = padded(encoder.width)
        inputStride = classifier.map { padded($0.outputs) } ?? featureStride
        inputs = classifier == nil ? features : FloatMemory(count: images * inputStride)
        let hidden = head.hidden?.outputs ?? 0
        logits = FloatMemory(count: images * head.classes)
        hiddenValues = FloatMemory(count: images * hidden)
        logitGradients = FloatMemory(count: gradients ? images * head.classes : 0)
        hiddenGradients = FloatMemory(count: gradients ? images * hidden : 0)
        inputGradients = FloatMemory(count: gradients && classifier != nil ? images * inputStride : 0)
    }

    /// What the first trained layer read: [images, inputs].
    func unpaddedInputs() -> [Float] {
        let width = (head.hidden ?? head.output).inputs
        return (0..<images).flatMap { UnsafeBufferPointer(start: inputs.start + $0 * inputStride, count: width) }
    }

    /// Writes the logits of some images.
    ///
    /// - Parameter features: of the first of them.
    func forward(_ chunk: Range<Int>, features: UnsafePointer<Float>) {
        let first = chunk.lowerBound
        let inputs = inputs.start + first * inputStride
        classifier?.forward.multiply(
            kernels, rows: chunk.count, features, stride: featureStride, bias: classifier?.bias.start, into: inputs,
            stride: inputStride)
        let logits = logits.start + first * head.classes
        guard let layer = head.hidden else {
            return apply(head.output, chunk.count, inputs, inputStride, into: logits)
        }
        let values = hiddenValues.start + first * layer.outputs
        apply(layer, chunk.count, inputs, inputStride, into: values)
        drop(chunk, values)
        apply(head.output, chunk.count, values, layer.outputs, into: logits)
    }

    /// The loss and the prediction of some images, and the gradient of their logits where gradients are wanted.
    ///
    /// - Parameters:
    ///   - scale: of the gradients.
    ///   - labels: of the first image; `losses` and `predictions` likewise.
    func loss(
        _ chunk: Range<Int>, labels: UnsafePointer<Int32>, scale: Double, losses: UnsafeMutablePointer<Double>,
        predictions: UnsafeMutablePointer<Int32>
    ) {
        let place = chunk.lowerBound * head.classes
        ck_cross_entropy(
            chunk.count, head.classes, logits.start + place, head.classes, labels, head.terms.adjustment,
            head.terms.weights, scale, logitGradients.count == 0 ? nil : logitGradients.start + place, losses,
            predictions)
    }

    /// From the logits' gradients to those of the class features of some images.
    ///
    /// - Parameter featureGradients: of the first of them; overwritten.
    func backward(_ chunk: Range<Int>, featureGradients: UnsafeMutablePointer<Float>) {
        let first = chunk.lowerBound
        let (target, stride) =
            classifier == nil
            ? (featureGradients, featureStride) : (inputGradients.start + first * inputStride, inputStride)
        let logits = logitGradients.start + first * head.classes
        if let layer = head.hidden {
            let values = hiddenGradients.start + first * layer.outputs
            applyTransposed(head.output, chunk.count, logits, into: values, layer.outputs)
            drop(chunk, values)
            applyTransposed(layer, chunk.count, values, into: target, stride)
        } else {
            applyTransposed(head.output, chunk.count, logits, into: target, stride)
        }
        classifier?.backward.multiply(
            kernels, rows: chunk.count, target, stride: stride, bias: nil, into: featureGradients,
            stride: featureStride)
    }

    /// The gradients of the trained layers by the names of their parameters, summed over the images in their order.
    func gradients() -> [String: [Float]] {
        guard let layer = head.hidden else {
            let output = gradients(of: head.output, logitGradients, inputs, inputStride)
            return [Parameters.headWeight: output.weight, Parameters.headBias: output.bias]
        }
        let hidden = gradients(of: layer, hiddenGradients, inputs, inputStride)
        let output = gradients(of: head.output, logitGradients, hiddenValues, layer.outputs)
        return [
            Parameters.headHiddenWeight: hidden.weight, Parameters.headHiddenBias: hidden.bias,
            Parameters.headWeight: output.weight, Parameters.headBias: output.bias,
        ]
    }

    private func apply(
        _ layer: Head.Layer, _ rows: Int, _ x: UnsafePointer<Float>, _ stride: Int, into y: UnsafeMutablePointer<Float>
    ) {
        kernels.call.linear(rows, layer.inputs, layer.outputs, x, stride, layer.weight, layer.bias, y, layer.outputs)
    }

    private func applyTransposed(
        _ layer: Head.Layer, _ rows: Int, _ y: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        kernels.call.linear_input_gradient(
            rows, layer.inputs, layer.outputs, y, layer.outputs, layer.weight, x, stride)
    }

    /// Multiplies some images' hidden values, or their gradients, by the dropout's factors.
    private func drop(_ chunk: Range<Int>, _ values: UnsafeMutablePointer<Float>) {
        guard let dropout = head.dropout, let hidden = head.hidden?.outputs else { return }
        for place in 0..<chunk.count * hidden { values[place] *= dropout[chunk.lowerBound * hidden + place] }
    }

    private func gradients(
        of layer: Head.Layer, _ outputs: FloatMemory, _ inputs: FloatMemory, _ stride: Int
    ) -> (weight: [Float], bias: [Float]) {
        var weight = [Float](repeating: 0, count: layer.weight.count)
        kernels.call.linear_weight_gradient(
            images, layer.inputs, layer.outputs, outputs.start, layer.outputs, inputs.start, stride, &weight)
        var bias = [Float](repeating: 0, count: layer.outputs)
        for image in 0..<images {
            for place in bias.indices { bias[place] += outputs.start[image * layer.outputs + place] }
        }
        return (weight, bias)
    }
}
