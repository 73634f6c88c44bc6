/// One worker's passes through a frozen encoder: forward for some examples at once, and backward to their prompts.
protocol FrozenPass: AnyObject {
    /// Whether the buffers are large enough.
    func holds(_ size: PassSize) -> Bool

    /// What the blocks before `block` make of examples without prompts: [tokens, padded width] each.
    ///
    /// - Parameter examples: their numbers in the source.
    func frozenRows(
        _ examples: ArraySlice<Int>, of source: any ExampleSource, before block: Int
    ) throws -> [FloatMemory]

    /// Runs the encoder.
    ///
    /// - Parameters:
    ///   - examples: their numbers in the source.
    ///   - start: what the first blocks made of the examples already; nil to run all blocks. Prompts of later blocks need it.
    ///   - prompts: nil for none.
    ///   - picks: the prompts of each example, as many for each; nil where all examples use all.
    ///   - features: receives the features of each example, [examples, padded width].
    func forward(
        _ examples: ArraySlice<Int>, of source: any ExampleSource, from start: FrozenRows?, prompts: PromptTokens?,
        picks: ArraySlice<[Int]>?, features: UnsafeMutablePointer<Float>
    ) throws

    /// Propagates the gradient of the features of the last forward pass to the prompt tokens.
    ///
    /// - Parameters:
    ///   - featureGradients: [examples, padded width]; destroyed.
    ///   - promptGradients: receives the gradient of each example's prompt tokens, [examples, layers, prompts, padded
    ///     width].
    /// - Precondition: the pass keeps gradients.
    func backward(featureGradients: UnsafeMutablePointer<Float>, promptGradients: UnsafeMutablePointer<Float>)
}

/// Rows that the blocks before the prompts made of examples.
struct FrozenRows {
    /// The next block.
    let block: Int
    /// Of each example, without prompts: [tokens, padded width].
    let rows: [FloatMemory]

    func part(_ examples: Range<Int>) -> FrozenRows { FrozenRows(block: block, rows: Array(rows[examples])) }
}

/// What the buffers of a pass must hold.
struct PassSize: Hashable {
    var examples = 0
    /// Of each example.
    var prompts = 0
    /// Of all examples together, prompts among them.
    var tokens = 0
    /// Of the longest example, prompts among them.
    var longest = 0

    init() {}

    /// - Parameter chunks: the tokens of the examples of each chunk, without prompts.
    init(holding chunks: [ArraySlice<Int>], prompts: Int) {
        self.prompts = prompts
        for chunk in chunks {
            examples = max(examples, chunk.count)
            tokens = max(tokens, chunk.reduce(0) { $0 + $1 + prompts })
            longest = max(longest, (chunk.max() ?? 0) + prompts)
        }
    }

    /// What holds both.
    func united(with other: PassSize) -> PassSize {
        var size = self
        size.examples = max(examples, other.examples)
        size.prompts = max(prompts, other.prompts)
        size.tokens = max(tokens, other.tokens, size.examples)
        size.longest = max(longest, other.longest)
        return size
    }
}

/// Consecutive parts of a batch.
enum ExampleChunks {
    /// Cuts examples into parts of about as many rows each, none of them empty.
    ///
    /// - Parameters:
    ///   - rows: of each example.
    ///   - count: from 1 to the number of examples.
    static func cut(_ rows: [Int], into count: Int) -> [Range<Int>] {
        let all = rows.reduce(0, +)
        var chunks: [Range<Int>] = []
        var start = 0
        var sum = 0
        for (example, own) in rows.enumerated() {
            sum += own
            let after = chunks.count + 1
            let isFull = sum * count >= all * after
            let leftExamples = rows.count - example - 1
            let leftChunks = count - after
            guard example + 1 == rows.count || leftExamples == leftChunks || (isFull && leftChunks > 0) else {
                continue
            }
            chunks.append(start..<example + 1)
            start = example + 1
        }
        return chunks
    }
}
