import CKernels

/// One worker's passes through a frozen encoder of texts: forward for a few texts at once, and backward to their prompts.
///
/// Texts of unlike lengths lie packed, one behind the other without padding: matrices and norms work on all rows at once,
/// the attention on each text by itself. The rows of a text are its class token, the prompts, and its other tokens. Rows
/// of all buffers are padded to a multiple of 16 floats.
final class TextPass: FrozenPass {
    private let tower: TextTower
    private let geometry: EncoderGeometry
    private let kernels: Kernels
    private let size: PassSize
    private let keepsGradients: Bool

    // The pass that the buffers hold.
    private var texts: [Text] = []
    private var prompts = 0
    private var promptLayers = 1
    private var firstBlock = 0

    /// Where a text lies.
    private struct Text {
        /// Its first row.
        var start: Int
        /// Its rows, prompts among them.
        var rows: Int
        /// Where its softmax rows begin.
        var probabilities: Int
    }

    /// The residual stream: [rows of all texts, width].
    private let stream: FloatMemory
    private let attended, hiddenRows, scratch, zeros: FloatMemory
    /// For each block that was passed what its backward pass needs; a single one, reused, without gradients.
    private var traces: [BlockTrace?]
    private let gradients: PassGradients?

    /// What a block's forward pass leaves for its backward pass.
    private struct BlockTrace {
        let queries, keyValues, probabilities: FloatMemory
        let attention, output: NormTrace
        /// f'(x) of the perceptron's hidden values.
        let slopes: FloatMemory
    }

    /// Rows before the affine part of a norm, and their inverse deviations.
    private struct NormTrace {
        let rows, deviations: FloatMemory
    }

    /// Gradients on their way back.
    private struct PassGradients {
        let stream, rows, hidden, attended, queries, keyValues: FloatMemory
    }

    init(_ tower: TextTower, _ geometry: EncoderGeometry, kernels: Kernels, size: PassSize, keepsGradients: Bool) {
        self.tower = tower
        self.geometry = geometry
        self.kernels = kernels
        self.size = size
        self.keepsGradients = keepsGradients
        let rows = size.tokens
        let (width, hidden) = (padded(geometry.width), padded(geometry.hidden))
        let attention = geometry.attentionWidth
        func memory(_ columns: Int) -> FloatMemory { FloatMemory(count: rows * columns) }
        stream = memory(width)
        attended = memory(attention)
        hiddenRows = memory(hidden)
        zeros = FloatMemory(count: width)
        scratch = FloatMemory(
            count: ck_attention_scratch_count(size.longest, size.longest, geometry.headStride))
        traces = [BlockTrace?](repeating: nil, count: keepsGradients ? tower.blocks.count : 1)
        gradients =
            keepsGradients
            ? PassGradients(
                stream: memory(width), rows: memory(width), hidden: memory(hidden), attended: memory(attention),
                queries: memory(attention), keyValues: memory(2 * attention)) : nil
    }

    /// Made when a block is first passed, so that blocks before the prompts take no memory.
    private func trace(of block: Int) -> BlockTrace {
        let place = keepsGradients ? block : 0
        if let trace = traces[place] { return trace }
        let rows = size.tokens
        func memory(_ columns: Int) -> FloatMemory { FloatMemory(count: rows * columns) }
        let trace = BlockTrace(
            queries: memory(attention), keyValues: memory(2 * attention),
            // No text has more rows than the longest.
            probabilities: FloatMemory(count: geometry.heads * rows * padded(size.longest)),
            attention: NormTrace(rows: memory(width), deviations: memory(1)),
            output: NormTrace(rows: memory(width), deviations: memory(1)),
            slopes: memory(keepsGradients ? hidden : 0))
        traces[place] = trace
        return trace
    }

    private var width: Int { padded(geometry.width) }
    private var hidden: Int { padded(geometry.hidden) }
    private var attention: Int { geometry.attentionWidth }
    private var allRows: Int { texts.last.map { $0.start + $0.rows } ?? 0 }

    func holds(_ size: PassSize) -> Bool { self.size.tokens >= size.tokens && self.size.longest >= size.longest }

    // MARK: Forward

    func frozenRows(
        _ examples: ArraySlice<Int>, of source: any ExampleSource, before block: Int
    ) throws -> [FloatMemory] {
        prompts = 0
        let tokens = try lay(examples, of: source)
        for (text, tokens) in zip(texts, tokens) { embed(tokens, text) }
        for index in 0..<block { forward(index) }
        return texts.map { FloatMemory(copying: stream.start + $0.start * width, count: $0.rows * width) }
    }

    func forward(
        _ examples: ArraySlice<Int>, of source: any ExampleSource, from start: FrozenRows?, prompts: PromptTokens?,
        picks: ArraySlice<[Int]>?, features: UnsafeMutablePointer<Float>
    ) throws {
        self.prompts = picks?.first?.count ?? prompts?.count ?? 0
        promptLayers = prompts?.layers ?? 1
        firstBlock = start?.block ?? 0
        let tokens = try lay(examples, of: source)
        for (place, text) in texts.enumerated() {
            if let start { spread(start.rows[place], text) } else { embed(tokens[place], text) }
        }
        for index in firstBlock..<tower.blocks.count {
            if let tokens = prompts?.tokens(before: index) { insert(tokens, picks) }
            forward(index)
        }
        for (place, text) in texts.enumerated() { pool(text, into: features + place * width) }
    }

    /// Lays out the rows of texts.
    ///
    /// - Returns: the tokens of each.
    private func lay(_ examples: ArraySlice<Int>, of source: any ExampleSource) throws(TuningError) -> [[Int32]] {
        guard let source = source as? any TextSource else { throw TuningError.modality(expected: "texts") }
        let tokens = examples.map(source.tokens)
        texts.removeAll(keepingCapacity: true)
        var (start, probabilities) = (0, 0)
        for tokens in tokens {
            let text = Text(start: start, rows: tokens.count + prompts, probabilities: probabilities)
            texts.append(text)
            start += text.rows
            probabilities += geometry.heads * text.rows * padded(text.rows)
        }
        return tokens
    }

    /// Writes rows that earlier blocks made over those of a text, but for the prompts'.
    private func spread(_ rows: FloatMemory, _ text: Text) {
        let first = stream.start + text.start * width
        first.update(from: rows.start, count: width)
        (first + (1 + prompts) * width).update(
            from: rows.start + width, count: (text.rows - prompts - 1) * width)
    }

    /// Writes the first rows of a text but for the prompts.
    private func embed(_ tokens: [Int32], _ text: Text) {
        let embedding = tower.embedding
        let columns = geometry.width
        for (place, token) in tokens.enumerated() {
            let row = stream.start + (text.start + (place == 0 ? 0 : place + prompts)) * width
            for column in 0..<columns {
                row[column] =
                    embedding.words[Int(token) * columns + column] + embedding.places[place * columns + column]
            }
            for column in columns..<width { row[column] = 0 }
        }
        let first = stream.start + text.start * width
        normalise(embedding.norm, rows: 1, first)
        normalise(embedding.norm, rows: tokens.count - 1, first + (1 + prompts) * width)
    }

    /// Applies a norm in place, leaving nothing for the way back.
    private func normalise(_ norm: AffineNorm, rows: Int, _ target: UnsafeMutablePointer<Float>) {
        guard rows > 0 else { return }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: rows) { deviations in
            kernels.call.normalize(
                rows, geometry.width, geometry.epsilon, target, width, target, width, deviations.baseAddress!)
        }
        kernels.call.scale_and_shift(rows, geometry.width, norm.scale.start, norm.shift.start, target, width)
    }

    /// Writes prompts, rows of [prompts, padded width], over the rows of the stream that are theirs.
    private func insert(_ layer: UnsafePointer<Float>, _ picks: ArraySlice<[Int]>?) {
        for (place, text) in texts.enumerated() {
            let target = stream.start + (text.start + 1) * width
            guard let picks else {
                target.update(from: layer, count: prompts * width)
                continue
            }
            for (prompt, row) in picks[picks.startIndex + place].enumerated() {
                (target + prompt * width).update(from: layer + row * width, count: width)
            }
        }
    }

    private func forward(_ index: Int) {
        let (block, trace) = (tower.blocks[index], trace(of: index))
        let rows = allRows
        block.query.forward.multiply(
            kernels, rows: rows, stream.start, stride: width, bias: block.query.bias.start, into: trace.queries.start,
            stride: attention)
        block.keyValue.forward.multiply(
            kernels, rows: rows, stream.start, stride: width, bias: block.keyValue.bias.start,
            into: trace.keyValues.start, stride: 2 * attention)
        for text in texts {
            var description = attentionOf(text, trace)
            kernels.call.attend(&description, attended.start + text.start * attention, attention)
        }
        block.output.forward.multiply(
            kernels, rows: rows, attended.start, stride: attention, bias: block.output.bias.start, into: stream.start,
            stride: width, accumulate: true)
        normalise(block.attentionNorm, trace.attention)
        block.expand.forward.multiply(
            kernels, rows: rows, stream.start, stride: width, bias: block.expand.bias.start, into: hiddenRows.start,
            stride: hidden,
            finish: ck_finish(
                kind: ck_activate, activation: geometry.activation.kernel,
                slopes: keepsGradients ? trace.slopes.start : nil))
        block.contract.forward.multiply(
            kernels, rows: rows, hiddenRows.start, stride: hidden, bias: block.contract.bias.start, into: stream.start,
            stride: width, accumulate: true)
        normalise(block.outputNorm, trace.output)
    }

    /// Applies a norm to the stream and keeps what its way back needs.
    private func normalise(_ norm: AffineNorm, _ trace: NormTrace) {
        let rows = allRows
        kernels.call.normalize(
            rows, geometry.width, geometry.epsilon, stream.start, width, trace.rows.start, width,
            trace.deviations.start)
        stream.start.update(from: trace.rows.start, count: rows * width)
        kernels.call.scale_and_shift(rows, geometry.width, norm.scale.start, norm.shift.start, stream.start, width)
    }

    private func attentionOf(_ text: Text, _ trace: BlockTrace) -> ck_attention {
        let keyValues = trace.keyValues.start + text.start * 2 * attention
        return ck_attention(
            queries: text.rows, keys: text.rows, heads: geometry.heads, head_stride: geometry.headStride,
            query_stride: attention, key_stride: 2 * attention, q: trace.queries.start + text.start * attention,
            k: keyValues, v: keyValues + attention, probabilities: trace.probabilities.start + text.probabilities,
            scratch: scratch.start)
    }

    /// Rows of a text that its features come from.
    private func pooledRows(_ text: Text) -> [Int] {
        switch geometry.text!.pooling {
        case .classToken: [text.start]
        case .mean: [text.start] + (text.start + 1 + prompts..<text.start + text.rows)
        }
    }

    /// Writes the features of a text.
    private func pool(_ text: Text, into features: UnsafeMutablePointer<Float>) {
        let rows = pooledRows(text)
        features.update(repeating: 0, count: width)
        for row in rows {
            for column in 0..<width { features[column] += stream.start[row * width + column] }
        }
        for column in 0..<width { features[column] /= Float(rows.count) }
    }

    // MARK: Backward

    func backward(
        featureGradients: UnsafeMutablePointer<Float>, promptGradients: UnsafeMutablePointer<Float>
    ) {
        guard let gradients else { preconditionFailure("this pass keeps no gradients") }
        let stream = gradients.stream.start
        stream.update(repeating: 0, count: allRows * width)
        for (place, text) in texts.enumerated() {
            let rows = pooledRows(text)
            for row in rows {
                for column in 0..<width {
                    stream[row * width + column] = featureGradients[place * width + column] / Float(rows.count)
                }
            }
        }
        for index in (firstBlock..<tower.blocks.count).reversed() {
            backward(index, gradients)
            let layer = index - firstBlock
            if layer < promptLayers { extract(layer, stream, into: promptGradients) }
        }
    }

    private func backward(_ index: Int, _ gradients: PassGradients) {
        let (block, trace) = (tower.blocks[index], trace(of: index))
        let rows = allRows
        let stream = gradients.stream.start
        normaliseBackward(block.outputNorm, trace.output, gradients)
        block.contract.backward.multiply(
            kernels, rows: rows, stream, stride: width, bias: nil, into: gradients.hidden.start, stride: hidden,
            finish: ck_finish(kind: ck_scale, activation: geometry.activation.kernel, slopes: trace.slopes.start))
        block.expand.backward.multiply(
            kernels, rows: rows, gradients.hidden.start, stride: hidden, bias: nil, into: stream, stride: width,
            accumulate: true)
        normaliseBackward(block.attentionNorm, trace.attention, gradients)
        block.output.backward.multiply(
            kernels, rows: rows, stream, stride: width, bias: nil, into: gradients.attended.start, stride: attention)
        for text in texts {
            var description = attentionOf(text, trace)
            let keyValues = gradients.keyValues.start + text.start * 2 * attention
            kernels.call.attend_backward(
                &description, gradients.attended.start + text.start * attention, attention,
                gradients.queries.start + text.start * attention, attention, keyValues, keyValues + attention,
                2 * attention)
        }
        guard index == firstBlock else { return projectBackward(block, gradients, first: 0, rows: rows) }
        // Nothing before this block is tuned, so only the rows of the prompts need a gradient.
        for text in texts where prompts > 0 {
            projectBackward(block, gradients, first: text.start + 1, rows: prompts)
        }
    }

    /// Adds to the stream's gradient what comes through query, keys and values.
    private func projectBackward(_ block: PostNormBlock, _ gradients: PassGradients, first: Int, rows: Int) {
        let target = gradients.stream.start + first * width
        block.keyValue.backward.multiply(
            kernels, rows: rows, gradients.keyValues.start + first * 2 * attention, stride: 2 * attention, bias: nil,
            into: target, stride: width, accumulate: true)
        block.query.backward.multiply(
            kernels, rows: rows, gradients.queries.start + first * attention, stride: attention, bias: nil,
            into: target, stride: width, accumulate: true)
    }

    /// Takes the stream's gradient from behind a norm to before it.
    private func normaliseBackward(_ norm: AffineNorm, _ trace: NormTrace, _ gradients: PassGradients) {
        let rows = allRows
        let (stream, scaled) = (gradients.stream.start, gradients.rows.start)
        scaled.update(from: stream, count: rows * width)
        kernels.call.scale_and_shift(rows, geometry.width, norm.scale.start, zeros.start, scaled, width)
        stream.update(repeating: 0, count: rows * width)
        kernels.call.normalize_backward(
            rows, geometry.width, trace.rows.start, width, trace.deviations.start, scaled, width, stream, width)
    }

    /// Takes the gradient of a layer of prompts out of the stream's: what the block before left there was written over.
    private func extract(
        _ layer: Int, _ stream: UnsafeMutablePointer<Float>, into promptGradients: UnsafeMutablePointer<Float>
    ) {
        let size = prompts * width
        for (place, text) in texts.enumerated() {
            let rows = stream + (text.start + 1) * width
            (promptGradients + (place * promptLayers + layer) * size).update(from: rows, count: size)
            if layer > 0 { rows.update(repeating: 0, count: size) }
        }
    }
}
