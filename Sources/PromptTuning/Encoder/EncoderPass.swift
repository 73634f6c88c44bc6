import CKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One worker's passes through a frozen encoder of images: forward for a few images at once, and backward to their prompts.
///
/// The tokens of an image are its class token, the prompts, registers or a distillation token, and its patches. With
/// attention pooling no token looks at the first row; it is where the last block, the pooling, leaves the features. Rows
/// of all buffers are padded to a multiple of 16 floats.
final class EncoderPass: FrozenPass {
    private let geometry: EncoderGeometry
    private let tower: ImageTower
    private let kernels: Kernels
    private let size: PassSize
    private let keepsGradients: Bool

    // The pass that the buffers hold.
    private var images = 0
    private var prompts = 0
    private var promptLayers = 1
    private var firstBlock = 0

    /// The residual stream: [tokens of all images, width].
    private let stream: FloatMemory
    private let pixels: FloatMemory
    private let patchRows: FloatMemory
    private let attended: FloatMemory
    private let hiddenRows: FloatMemory
    private let scratch: FloatMemory
    private let finalNormalised: FloatMemory
    private let finalDeviations: FloatMemory
    /// For each block that was passed what its backward pass needs; a single one, reused, without gradients.
    private var traces: [BlockTrace?]
    private let gradients: PassGradients?

    /// What a block's forward pass leaves for its backward pass.
    private struct BlockTrace {
        let normalised, deviations: FloatMemory
        let queries, keyValues, probabilities: FloatMemory
        let perceptronNormalised, perceptronDeviations: FloatMemory
        /// f'(x) of the perceptron's hidden values.
        let slopes: FloatMemory
    }

    /// Gradients on their way back.
    private struct PassGradients {
        let stream, rows, hidden, attended, queries, keyValues: FloatMemory
    }

    init(_ tower: ImageTower, _ geometry: EncoderGeometry, kernels: Kernels, size: PassSize, keepsGradients: Bool) {
        self.geometry = geometry
        self.tower = tower
        self.kernels = kernels
        self.size = size
        self.keepsGradients = keepsGradients
        let tokens = geometry.tokens(prompts: size.prompts)
        let rows = size.examples * tokens
        let width = padded(geometry.width)
        let hidden = padded(geometry.hidden)
        let attention = geometry.attentionWidth
        stream = FloatMemory(count: rows * width)
        pixels = FloatMemory(count: geometry.imageValues)
        patchRows = FloatMemory(count: geometry.patches * geometry.patchValues)
        attended = FloatMemory(count: rows * attention)
        hiddenRows = FloatMemory(count: rows * hidden)
        scratch = FloatMemory(count: ck_attention_scratch_count(tokens, tokens, geometry.headStride))
        finalNormalised = FloatMemory(count: size.examples * width)
        finalDeviations = FloatMemory(count: size.examples)
        traces = [BlockTrace?](repeating: nil, count: keepsGradients ? tower.blocks.count : 1)
        gradients =
            keepsGradients
            ? PassGradients(
                stream: FloatMemory(count: rows * width), rows: FloatMemory(count: rows * width),
                hidden: FloatMemory(count: rows * hidden), attended: FloatMemory(count: rows * attention),
                queries: FloatMemory(count: rows * attention), keyValues: FloatMemory(count: rows * 2 * attention))
            : nil
    }

    /// Made when a block is first passed, so that blocks before the prompts take no memory.
    private func trace(of block: Int) -> BlockTrace {
        let place = keepsGradients ? block : 0
        if let trace = traces[place] { return trace }
        let tokens = geometry.tokens(prompts: size.prompts)
        let rows = size.examples * tokens
        let trace = BlockTrace(
            normalised: FloatMemory(count: rows * width), deviations: FloatMemory(count: rows),
            queries: FloatMemory(count: rows * attention), keyValues: FloatMemory(count: rows * 2 * attention),
            probabilities: FloatMemory(count: size.examples * geometry.heads * tokens * padded(tokens)),
            perceptronNormalised: FloatMemory(count: rows * width), perceptronDeviations: FloatMemory(count: rows),
            slopes: FloatMemory(count: keepsGradients ? rows * hidden : 0))
        traces[place] = trace
        return trace
    }

    func holds(_ size: PassSize) -> Bool {
        self.size.examples >= size.examples && self.size.prompts >= size.prompts
    }

    private var tokens: Int { geometry.tokens(prompts: prompts) }
    private var lastBlock: Int { tower.blocks.count - 1 }
    private var width: Int { padded(geometry.width) }
    private var hidden: Int { padded(geometry.hidden) }
    private var attention: Int { geometry.attentionWidth }

    /// The rows that a block's queries, output and perceptron are needed for: all, but after the last block only the
    /// first row counts. `step` is the distance of two of them in the residual stream.
    private func queryRows(_ block: Int) -> (count: Int, perImage: Int, step: Int) {
        block == lastBlock ? (images, 1, tokens * width) : (images * tokens, tokens, width)
    }

    // MARK: Forward

    func frozenRows(
        _ examples: ArraySlice<Int>, of source: any ExampleSource, before block: Int
    ) throws -> [FloatMemory] {
        (images, prompts) = (examples.count, 0)
        try embed(examples, of: source)
        for index in 0..<block { forward(index) }
        return (0..<images).map { FloatMemory(copying: stream.start + $0 * tokens * width, count: tokens * width) }
    }

    func forward(
        _ examples: ArraySlice<Int>, of source: any ExampleSource, from start: FrozenRows?, prompts: PromptTokens?,
        picks: ArraySlice<[Int]>?, features: UnsafeMutablePointer<Float>
    ) throws {
        images = examples.count
        self.prompts = picks?.first?.count ?? prompts?.count ?? 0
        promptLayers = prompts?.layers ?? 1
        firstBlock = start?.block ?? 0
        if let start { spread(start) } else { try embed(examples, of: source) }
        for block in firstBlock...lastBlock {
            if let tokens = prompts?.tokens(before: block) { insert(tokens, picks) }
            if block == lastBlock, geometry.poolsByAttention { clearFirstRows(stream.start, stride: width) }
            forward(block)
        }
        readOut(features)
    }

    /// Writes the first tokens of images but for the prompts.
    private func embed(_ examples: ArraySlice<Int>, of source: any ExampleSource) throws {
        guard let source = source as? any ImageSource else { throw TuningError.modality(expected: "images") }
        for (image, example) in examples.enumerated() {
            try source.copyImage(example, into: UnsafeMutableBufferPointer(start: pixels.start, count: pixels.count))
            tower.embedding.embed(
                pixels.start, patchRows: patchRows.start, into: stream.start + image * tokens * width,
                prompts: prompts, geometry, kernels)
        }
    }

    /// Writes rows that earlier blocks made over those of the stream, but for the prompts'.
    private func spread(_ start: FrozenRows) {
        let others = geometry.tokens(prompts: 0) - 1
        for (image, rows) in start.rows.enumerated() {
            let first = stream.start + image * tokens * width
            first.update(from: rows.start, count: width)
            (first + (1 + prompts) * width).update(from: rows.start + width, count: others * width)
        }
    }

    /// Writes the first row of each image after the final norm to `features`.
    private func readOut(_ features: UnsafeMutablePointer<Float>) {
        guard let norm = tower.finalNorm else {
            for image in 0..<images {
                (features + image * width).update(from: stream.start + image * tokens * width, count: width)
            }
            return
        }
        kernels.call.normalize(
            images, geometry.width, geometry.epsilon, stream.start, tokens * width, finalNormalised.start, width,
            finalDeviations.start)
        features.update(from: finalNormalised.start, count: images * width)
        kernels.call.scale_and_shift(
            images, geometry.width, norm.scale.start, norm.shift.start, features, width)
    }

    /// Zeros in the first row of each image.
    private func clearFirstRows(_ rows: UnsafeMutablePointer<Float>, stride: Int) {
        for image in 0..<images { (rows + image * tokens * stride).update(repeating: 0, count: stride) }
    }

    /// Writes prompts, rows of [prompts, padded width], over their rows of the stream.
    private func insert(_ layer: UnsafePointer<Float>, _ picks: ArraySlice<[Int]>?) {
        for image in 0..<images {
            let target = stream.start + (image * tokens + 1) * width
            guard let picks else {
                target.update(from: layer, count: prompts * width)
                continue
            }
            for (place, row) in picks[picks.startIndex + image].enumerated() {
                (target + place * width).update(from: layer + row * width, count: width)
            }
        }
    }

    private func forward(_ index: Int) {
        let block = tower.blocks[index]
        let trace = trace(of: index)
        let allRows = images * tokens
        let rows = queryRows(index)
        let width = width
        let hidden = hidden
        let attention = attention
        kernels.call.normalize(
            allRows, geometry.width, geometry.epsilon, stream.start, width, trace.normalised.start, width,
            trace.deviations.start)
        block.query.forward.multiply(
            kernels, rows: rows.count, trace.normalised.start, stride: rows.step, bias: block.query.bias.start,
            into: trace.queries.start, stride: attention)
        block.keyValue.forward.multiply(
            kernels, rows: allRows, trace.normalised.start, stride: width, bias: block.keyValue.bias.start,
            into: trace.keyValues.start, stride: 2 * attention)
        for image in 0..<images {
            var description = attentionOf(image, trace, queries: rows.perImage)
            kernels.call.attend(&description, attended.start + image * rows.perImage * attention, attention)
        }
        block.output.forward.multiply(
            kernels, rows: rows.count, attended.start, stride: attention, bias: block.output.bias.start,
            into: stream.start, stride: rows.step, accumulate: true)
        kernels.call.normalize(
            rows.count, geometry.width, geometry.epsilon, stream.start, rows.step, trace.perceptronNormalised.start,
            width, trace.perceptronDeviations.start)
        block.expand.forward.multiply(
            kernels, rows: rows.count, trace.perceptronNormalised.start, stride: width, bias: block.expand.bias.start,
            into: hiddenRows.start, stride: hidden,
            finish: ck_finish(
                kind: ck_activate, activation: geometry.activation.kernel,
                slopes: keepsGradients ? trace.slopes.start : nil))
        block.contract.forward.multiply(
            kernels, rows: rows.count, hiddenRows.start, stride: hidden, bias: block.contract.bias.start,
            into: stream.start, stride: rows.step, accumulate: true)
    }

    /// Rows of an image before those that are looked at.
    private var firstKey: Int { geometry.poolsByAttention ? 1 : 0 }

    private func attentionOf(_ image: Int, _ trace: BlockTrace, queries: Int) -> ck_attention {
        let keyValues = trace.keyValues.start + (image * tokens + firstKey) * 2 * attention
        return ck_attention(
            queries: queries, keys: tokens - firstKey, heads: geometry.heads, head_stride: geometry.headStride,
            query_stride: attention, key_stride: 2 * attention,
            q: trace.queries.start + image * queries * attention, k: keyValues, v: keyValues + attention,
            probabilities: trace.probabilities.start + image * geometry.heads * queries * padded(tokens),
            scratch: scratch.start)
    }

    // MARK: Backward

    func backward(
        featureGradients: UnsafeMutablePointer<Float>, promptGradients: UnsafeMutablePointer<Float>
    ) {
        guard let gradients else { preconditionFailure("this pass keeps no gradients") }
        let stream = gradients.stream.start
        stream.update(repeating: 0, count: images * tokens * width)
        readOutBackward(featureGradients, into: stream)
        for block in (firstBlock...lastBlock).reversed() {
            backward(block, gradients)
            if block == lastBlock, geometry.poolsByAttention { clearFirstRows(stream, stride: width) }
            let layer = block - firstBlock
            if layer < promptLayers { extract(layer, stream, into: promptGradients) }
        }
    }

    private func readOutBackward(
        _ featureGradients: UnsafeMutablePointer<Float>, into stream: UnsafeMutablePointer<Float>
    ) {
        guard let norm = tower.finalNorm else {
            for image in 0..<images {
                (stream + image * tokens * width).update(from: featureGradients + image * width, count: width)
            }
            return
        }
        for image in 0..<images {
            for column in 0..<width { featureGradients[image * width + column] *= norm.scale.start[column] }
        }
        kernels.call.normalize_backward(
            images, geometry.width, finalNormalised.start, width, finalDeviations.start, featureGradients, width,
            stream, tokens * width)
    }

    /// Takes the gradient of a layer of prompts out of the stream's: what the block before left there was written over.
    private func extract(
        _ layer: Int, _ stream: UnsafeMutablePointer<Float>, into promptGradients: UnsafeMutablePointer<Float>
    ) {
        let size = prompts * width
        for image in 0..<images {
            let place = stream + (image * tokens + 1) * width
            (promptGradients + (image * promptLayers + layer) * size).update(from: place, count: size)
            if layer > 0 { place.update(repeating: 0, count: size) }
        }
    }

    private func backward(_ index: Int, _ gradients: PassGradients) {
        let block = tower.blocks[index]
        let trace = trace(of: index)
        let allRows = images * tokens
        let rows = queryRows(index)
        let width = width
        let hidden = hidden
        let attention = attention
        let stream = gradients.stream.start
        let normalised = gradients.rows.start
        // The perceptron.
        block.contract.backward.multiply(
            kernels, rows: rows.count, stream, stride: rows.step, bias: nil, into: gradients.hidden.start,
            stride: hidden,
            finish: ck_finish(
                kind: ck_scale, activation: geometry.activation.kernel, slopes: trace.slopes.start))
        block.expand.backward.multiply(
            kernels, rows: rows.count, gradients.hidden.start, stride: hidden, bias: nil, into: normalised,
            stride: width)
        kernels.call.normalize_backward(
            rows.count, geometry.width, trace.perceptronNormalised.start, width, trace.perceptronDeviations.start,
            normalised, width, stream, rows.step)
        // The attention.
        block.output.backward.multiply(
            kernels, rows: rows.count, stream, stride: rows.step, bias: nil, into: gradients.attended.start,
            stride: attention)
        if firstKey > 0 { clearFirstRows(gradients.keyValues.start, stride: 2 * attention) }
        for image in 0..<images {
            var description = attentionOf(image, trace, queries: rows.perImage)
            let keyValues = gradients.keyValues.start + (image * tokens + firstKey) * 2 * attention
            kernels.call.attend_backward(
                &description, gradients.attended.start + image * rows.perImage * attention, attention,
                gradients.queries.start + image * rows.perImage * attention, attention, keyValues,
                keyValues + attention, 2 * attention)
        }
        if index == firstBlock && lastBlock > firstBlock {
            backwardToPrompts(block, trace, gradients)
            return
        }
        block.keyValue.backward.multiply(
            kernels, rows: allRows, gradients.keyValues.start, stride: 2 * attention, bias: nil, into: normalised,
            stride: width)
        block.query.backward.multiply(
            kernels, rows: rows.count, gradients.queries.start, stride: attention, bias: nil, into: normalised,
            stride: rows.step, accumulate: true)
        kernels.call.normalize_backward(
            allRows, geometry.width, trace.normalised.start, width, trace.deviations.start, normalised, width, stream,
            width)
    }

    /// The end of the backward pass, in the block that prompts enter before. Nothing before it is tuned, so only the rows of
    /// the prompts need a gradient; they are moved together and multiplied.
    private func backwardToPrompts(_ block: FrozenBlock, _ trace: BlockTrace, _ gradients: PassGradients) {
        let attention = attention
        let width = width
        let queries = gradients.queries.start
        let keyValues = gradients.keyValues.start
        for image in 0..<images {
            let source = image * tokens + 1
            let target = image * prompts
            memmove(queries + target * attention, queries + source * attention, prompts * attention * 4)
            memmove(keyValues + target * 2 * attention, keyValues + source * 2 * attention, prompts * attention * 8)
        }
        let normalised = gradients.rows.start
        block.keyValue.backward.multiply(
            kernels, rows: images * prompts, keyValues, stride: 2 * attention, bias: nil, into: normalised,
            stride: width)
        block.query.backward.multiply(
            kernels, rows: images * prompts, queries, stride: attention, bias: nil, into: normalised, stride: width,
            accumulate: true)
        for image in 0..<images {
            let first = image * tokens + 1
            kernels.call.normalize_backward(
                prompts, geometry.width, trace.normalised.start + first * width, width,
                trace.deviations.start + first, normalised + image * prompts * width, width,
                gradients.stream.start + first * width, width)
        }
    }
}
