import PromptAggregation

/// pFedPG's generator (after Yang, Wang and Wang, ICCV 2023, arXiv 2308.15367): the prompts of a client are
///
///     P_n = P + A V W_O,   A = softmax(Q Kᵀ / √h) by rows,   Q = D W_Q,   K = P W_K,   V = P W_V
///
/// with P the pool and D the client's descriptor, both [prompts, width], W_Q, W_K, W_V [width, h] and W_O [h, width].
package struct PromptGenerator {
    package let basis: Matrix
    /// W_Q, W_K, W_V.
    package let query, key, value: Matrix
    /// W_O.
    package let output: Matrix

    package init(basis: Matrix, query: Matrix, key: Matrix, value: Matrix, output: Matrix) {
        self.basis = basis
        self.query = query
        self.key = key
        self.value = value
        self.output = output
    }

    /// - Returns: nil when the state has no generator.
    /// - Throws: `TuningError` when it has a part of one, or one that does not fit its pool.
    package init?(_ state: PromptState) throws(TuningError) {
        guard let first = state.parameters[Parameters.generatorQuery] else { return nil }
        let (width, inner) = (state.width, first.shape.last ?? 0)
        func matrix(_ name: String, _ shape: [Int]) throws(TuningError) -> Matrix {
            guard let tensor = state.parameters[name] else { throw .missingParameter(name) }
            guard tensor.shape == shape, inner > 0 else {
                throw .parameterShape(name, expected: "\(shape)", found: tensor.shape)
            }
            return Matrix(tensor)
        }
        basis = Matrix(state.prompts)
        query = try matrix(Parameters.generatorQuery, [width, inner])
        key = try matrix(Parameters.generatorKey, [width, inner])
        value = try matrix(Parameters.generatorValue, [width, inner])
        output = try matrix(Parameters.generatorOutput, [inner, width])
    }

    /// Every stage of one generation.
    private struct Stages {
        let queries, keys, values, attention, mixed: Matrix
    }

    private var scale: Double { 1 / Double(query.columns).squareRoot() }

    private func stages(_ descriptor: Matrix) -> Stages {
        let queries = descriptor.times(query)
        let keys = basis.times(key)
        let values = basis.times(value)
        let attention = queries.times(keys.transposed).scaled(by: scale).softmaxOfRows
        return Stages(
            queries: queries, keys: keys, values: values, attention: attention, mixed: attention.times(values))
    }

    /// P_n, [prompts, width].
    package func prompts(_ descriptor: Matrix) -> Matrix {
        basis.plus(stages(descriptor).mixed.times(output))
    }

    /// (∂P_n/∂θ)ᵀ ΔP_n for each part of the generator and for the descriptor, by the names of the parameters.
    ///
    /// - Parameter moved: ΔP_n, [prompts, width].
    package func pullback(of moved: Matrix, _ descriptor: Matrix) -> [(name: String, gradient: Matrix)] {
        let stages = stages(descriptor)
        let mixed = moved.times(output.transposed)
        let values = stages.attention.transposed.times(mixed)
        let scores = stages.attention.softmaxPullback(mixed.times(stages.values.transposed)).scaled(by: scale)
        let queries = scores.times(stages.keys)
        let keys = scores.transposed.times(stages.queries)
        let basis = moved.plus(keys.times(key.transposed)).plus(values.times(value.transposed))
        return [
            (Parameters.prompts, basis),
            (Parameters.generatorQuery, descriptor.transposed.times(queries)),
            (Parameters.generatorKey, self.basis.transposed.times(keys)),
            (Parameters.generatorValue, self.basis.transposed.times(values)),
            (Parameters.generatorOutput, stages.mixed.transposed.times(moved)),
            (Parameters.descriptor, queries.times(query.transposed)),
        ]
    }
}

extension PromptGenerator {
    /// The descriptor that a client keeps, nil before its first task.
    ///
    /// - Throws: `TuningError` when it does not fit the pool.
    func descriptor(in personal: Parameters) throws(TuningError) -> Matrix? {
        guard let descriptor = personal[Parameters.descriptor] else { return nil }
        let expected = [basis.rows, basis.columns]
        guard descriptor.shape == expected else {
            throw .parameterShape(Parameters.descriptor, expected: "\(expected)", found: descriptor.shape)
        }
        return Matrix(descriptor)
    }

    /// What becomes of basis, generator and descriptor: each θ + rate · (∂P_n/∂θ)ᵀ ΔP_n.
    package func stepped(by moved: Matrix, _ descriptor: Matrix, rate: Double) -> [(name: String, tensor: Tensor)] {
        pullback(of: moved, descriptor).map { name, gradient in
            let old =
                switch name {
                case Parameters.prompts: basis
                case Parameters.generatorQuery: query
                case Parameters.generatorKey: key
                case Parameters.generatorValue: value
                case Parameters.generatorOutput: output
                default: descriptor
                }
            return (name, old.plus(gradient.scaled(by: rate)).tensor)
        }
    }
}

extension Parameters {
    /// What a client keeps, with a first descriptor (standard normal) where the state has a generator and it has none.
    func described(for state: PromptState, seed: UInt64) -> Parameters {
        guard state.parameters[Parameters.generatorQuery] != nil, self[Parameters.descriptor] == nil else {
            return self
        }
        var random = SeededRandom(seed: seed, stream: 0xD5C)
        let values = state.prompts.values.map { _ in Float(random.nextNormal()) }
        var described = self
        described[Parameters.descriptor] = Tensor(shape: state.prompts.shape, values: values)
        return described
    }
}
