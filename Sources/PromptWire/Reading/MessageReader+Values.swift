import CPromptWire
import Federation
import PromptAggregation

extension MessageReader {
    /// Tensors with different names, among them a matrix of prompts with one row for each identity.
    func parameters(
        _ tensors: [Impromptu__V2__Tensor], promptIDs: [PromptID], _ path: String
    ) throws(WireError) -> (Parameters, Precision) {
        var parameters = Parameters()
        var precision: Precision?
        for (index, wire) in tensors.enumerated() {
            let name = try name(wire.name, "\(path).tensors[\(index)].name")
            guard parameters[name] == nil else {
                throw WireError(
                    field: "\(path).tensors[\(index)].name",
                    problem: "expected different names, found '\(name)' a second time")
            }
            let (tensor, found) = try tensor(wire, "\(path).tensors[\(index)]")
            parameters[name] = tensor
            let expected = Precision.isExact(name) ? .float32 : precision ?? found
            guard found == expected else {
                throw WireError(
                    field: "\(path).tensors[\(index)].dtype",
                    problem: "expected \(expected.wire.rawValue), as of the others, found \(found.wire.rawValue)")
            }
            if !Precision.isExact(name) { precision = found }
        }
        guard let prompts = parameters[Parameters.prompts] else {
            throw WireError(
                field: "\(path).tensors",
                problem: "expected one named '\(Parameters.prompts)', found \(shownNames(parameters.names))")
        }
        guard prompts.shape.count == 2 else {
            throw WireError(
                field: "\(path).tensors", problem: "expected a matrix of prompts, found the shape \(prompts.shape)")
        }
        try checkPromptIDs(promptIDs, rows: prompts.rows, "\(path).prompt_ids")
        return (parameters, precision ?? .float32)
    }

    private func shownNames(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.map { "'\($0)'" }.joined(separator: ", ")
    }

    private func checkPromptIDs(_ promptIDs: [PromptID], rows: Int, _ path: String) throws(WireError) {
        guard promptIDs.count == rows else {
            throw WireError(
                field: path, problem: "expected one for each of the \(rows) rows of prompts, found \(promptIDs.count)")
        }
        let sorted = promptIDs.sorted()
        if let place = sorted.indices.dropFirst().first(where: { sorted[$0] == sorted[$0 - 1] }) {
            throw WireError(field: path, problem: "expected different ones, found \(sorted[place]) twice")
        }
    }

    private func tensor(
        _ wire: Impromptu__V2__Tensor, _ path: String
    ) throws(WireError) -> (Tensor, Precision) {
        let precision: Precision = try enumeration(wire.dtype, "\(path).dtype")
        let extents = try array(wire.shape, wire.n_shape, most: limits.rank, "\(path).shape")
        let elements = try elementCount(extents, "\(path).shape")
        let bytes = UnsafeRawBufferPointer(start: wire.data.data, count: wire.data.len)
        let size = precision == .float16 ? 2 : 4
        guard bytes.count == elements * size else {
            throw WireError(
                field: "\(path).data",
                problem: "expected \(elements * size) bytes for shape \(extents) of \(size == 2 ? "F16" : "F32"), "
                    + "found \(bytes.count)")
        }
        let values = precision == .float16 ? halves(bytes, count: elements) : floats(bytes, count: elements)
        return (Tensor(shape: extents.map(Int.init), values: values), precision)
    }

    /// The product of the extents.
    ///
    /// Even beside an extent of 0 the others may not overflow, so that no product of some of them can.
    private func elementCount(_ extents: [UInt64], _ path: String) throws(WireError) -> Int {
        let most = UInt64(limits.messageBytes)
        var elements: UInt64 = 1
        for extent in extents where extent > 0 {
            let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= most else {
                throw WireError(field: path, problem: "expected at most \(most) elements, found the shape \(extents)")
            }
            elements = product
        }
        return extents.contains(0) ? 0 : Int(elements)
    }

    private func halves(_ bytes: UnsafeRawBufferPointer, count: Int) -> [Float] {
        (0..<count).map { index in
            let word = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
            return Float(Float16(bitPattern: UInt16(littleEndian: word)))
        }
    }

    private func floats(_ bytes: UnsafeRawBufferPointer, count: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
            #if _endian(big)
                for index in 0..<count { buffer[index] = Float(bitPattern: buffer[index].bitPattern.byteSwapped) }
            #endif
            initialized = count
        }
    }

    /// Metrics with different names, ascending by name whatever order they came in.
    func metrics(_ wire: [Impromptu__V2__Metric], _ path: String) throws(WireError) -> [Metric] {
        var metrics: [Metric] = []
        for (index, metric) in wire.enumerated() {
            let name = try name(metric.name, "\(path)[\(index)].name")
            guard !metrics.contains(where: { $0.name == name }) else {
                throw WireError(
                    field: "\(path)[\(index)].name",
                    problem: "expected different names, found '\(name)' a second time")
            }
            metrics.append(Metric(name: name, value: metric.value))
        }
        return metrics.sorted { $0.name < $1.name }
    }

    /// A model specification, one without fields where it is absent.
    func model(
        _ wire: UnsafeMutablePointer<Impromptu__V2__ModelSpecification>?, _ path: String
    ) throws(WireError) -> ModelSpecification {
        guard let wire = wire?.pointee else { return ModelSpecification() }
        let found = try messages(wire.fields, wire.n_fields, most: limits.modelFields, "\(path).fields")
        var fields: [ModelSpecification.Field] = []
        for (index, field) in found.enumerated() {
            fields.append(
                .init(
                    try name(field.name, "\(path).fields[\(index)].name"),
                    try text(field.value, most: limits.labelBytes, "\(path).fields[\(index)].value")))
        }
        return ModelSpecification(
            fields: fields, digest: try text(wire.digest, most: limits.labelBytes, "\(path).digest"))
    }

    func plan(_ wire: Impromptu__V2__TrainingPlan, _ path: String) throws(WireError) -> TrainingPlan {
        var plan = TrainingPlan()
        plan.epochs = try count(wire.epochs, least: 1, "\(path).epochs")
        plan.maximumSteps = try count(wire.maximum_steps, "\(path).maximum_steps")
        plan.batchSize = try count(wire.batch_size, least: 1, "\(path).batch_size")
        plan.optimizer = try enumeration(wire.optimizer, "\(path).optimizer")
        plan.promptLearningRate = try finite(wire.prompt_learning_rate, "\(path).prompt_learning_rate")
        plan.headLearningRate = try finite(wire.head_learning_rate, "\(path).head_learning_rate")
        plan.momentum = try finite(wire.momentum, "\(path).momentum")
        plan.secondMomentDecay = try finite(wire.second_moment_decay, "\(path).second_moment_decay")
        plan.weightDecay = try finite(wire.weight_decay, "\(path).weight_decay")
        plan.gradientClip = try finite(wire.gradient_clip, "\(path).gradient_clip")
        plan.promptsPerBatch = try count(wire.prompts_per_batch, "\(path).prompts_per_batch")
        plan.similarityWeight = try finite(wire.similarity_weight, "\(path).similarity_weight")
        plan.proximalWeight = try finite(wire.proximal_weight, "\(path).proximal_weight")
        plan.logitAdjustment = try finite(wire.logit_adjustment, "\(path).logit_adjustment")
        plan.classBalance = try finite(wire.class_balance, "\(path).class_balance")
        plan.headDropout = try finite(wire.head_dropout, "\(path).head_dropout")
        plan.personal = try enumeration(wire.personal, "\(path).personal")
        plan.controlVariates = wire.control_variates != 0
        plan.classMeans = wire.class_means != 0
        plan.generatorRate = try finite(wire.generator_rate, "\(path).generator_rate")
        plan.firstBlock = try count(wire.first_block, "\(path).first_block")
        return plan
    }
}
