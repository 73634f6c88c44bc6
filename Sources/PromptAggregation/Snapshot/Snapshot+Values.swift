extension SnapshotWriter {
    package mutating func write(_ parameters: Parameters) {
        write(parameters.entries) { writer, entry in
            writer.write(entry.name)
            writer.write(entry.tensor.shape)
            writer.write(entry.tensor.values)
        }
    }

    package mutating func write(_ state: PromptState) {
        write(state.parameters)
        write(state.promptIDs)
    }

    /// One list of values a tensor.
    mutating func write(_ tensors: [[Float]]) { write(tensors) { $0.write($1) } }
    mutating func write(_ tensors: [[Double]]) { write(tensors) { $0.write($1) } }
}

extension SnapshotReader {
    package mutating func parameters() throws(SnapshotError) -> Parameters {
        let count = try count(elementBytes: 24)
        var tensors: [(name: String, tensor: Tensor)] = []
        for _ in 0..<count {
            let name = try text()
            if let last = tensors.last, last.name >= name {
                throw unexpected("tensor name", "one that follows '\(last.name)'", "'\(name)'")
            }
            let shape = try integers("shape of '\(name)'")
            let values = try floats("values of '\(name)'")
            guard Self.product(shape) == values.count else {
                throw unexpected("values of '\(name)'", "as many as the shape \(shape) says", "\(values.count)")
            }
            tensors.append((name, Tensor(shape: shape, values: values)))
        }
        return Parameters(tensors)
    }

    /// The number of elements of a shape, nil where there is none.
    private static func product(_ shape: [Int]) -> Int? {
        var product = 1
        for extent in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow else { return nil }
            product = next
        }
        return product
    }

    /// A state of the same tensors as another; only the number of prompts may differ.
    package mutating func state(like present: PromptState) throws(SnapshotError) -> PromptState {
        let parameters = try parameters()
        guard parameters.names == present.parameters.names else {
            throw unexpected("state", "the tensors \(present.parameters.names)", "\(parameters.names)")
        }
        for (entry, other) in zip(parameters.entries, present.parameters.entries) {
            let (shape, expected) = (entry.tensor.shape, other.tensor.shape)
            let isPool = entry.name == Parameters.prompts && shape.count == 2
            guard shape == expected || (isPool && shape[1] == present.width) else {
                throw unexpected("shape of '\(entry.name)'", "\(expected)", "\(shape)")
            }
        }
        let rows = parameters[Parameters.prompts]?.rows ?? 0
        let identities = try words("prompt identities", count: rows)
        return PromptState(parameters: parameters, promptIDs: identities)
    }
}
