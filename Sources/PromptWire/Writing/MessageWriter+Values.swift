import CPromptWire
import Federation
import PromptAggregation

extension MessageWriter {
    /// A tensor of a precision, unless its values must be exact.
    func tensor(
        _ entry: Parameters.Entry, _ precision: Precision
    ) -> UnsafeMutablePointer<Impromptu__V2__Tensor> {
        let precision = Precision.isExact(entry.name) ? .float32 : precision
        return message(impromptu__v2__tensor__init) {
            $0.name = text(entry.name)
            $0.dtype = precision.wire
            $0.n_shape = entry.tensor.shape.count
            // A tensor's extents are not negative.
            $0.shape = array(entry.tensor.shape.map(UInt64.init))
            $0.data =
                switch precision {
                case .float32: littleEndian(entry.tensor.values.map { $0.bitPattern.littleEndian })
                case .float16: littleEndian(entry.tensor.values.map { Float16($0).bitPattern.littleEndian })
                }
        }
    }

    /// A model specification, nil for one that says nothing.
    func model(_ model: ModelSpecification) -> UnsafeMutablePointer<Impromptu__V2__ModelSpecification>? {
        if model == ModelSpecification() { return nil }
        return message(impromptu__v2__model_specification__init) {
            $0.digest = text(model.digest)
            $0.n_fields = model.fields.count
            $0.fields = messages(model.fields) { field in
                message(impromptu__v2__model_field__init) {
                    $0.name = text(field.name)
                    $0.value = text(field.value)
                }
            }
        }
    }

    func metric(_ metric: Metric) -> UnsafeMutablePointer<Impromptu__V2__Metric> {
        message(impromptu__v2__metric__init) {
            $0.name = text(metric.name)
            $0.value = metric.value
        }
    }

    func plan(_ plan: TrainingPlan) -> UnsafeMutablePointer<Impromptu__V2__TrainingPlan> {
        message(impromptu__v2__training_plan__init) {
            $0.epochs = Int64(plan.epochs)
            $0.maximum_steps = Int64(plan.maximumSteps)
            $0.batch_size = Int64(plan.batchSize)
            $0.optimizer = plan.optimizer.wire
            $0.prompt_learning_rate = plan.promptLearningRate
            $0.head_learning_rate = plan.headLearningRate
            $0.momentum = plan.momentum
            $0.second_moment_decay = plan.secondMomentDecay
            $0.weight_decay = plan.weightDecay
            $0.gradient_clip = plan.gradientClip
            $0.prompts_per_batch = Int64(plan.promptsPerBatch)
            $0.similarity_weight = plan.similarityWeight
            $0.proximal_weight = plan.proximalWeight
            $0.logit_adjustment = plan.logitAdjustment
            $0.class_balance = plan.classBalance
            $0.head_dropout = plan.headDropout
            $0.personal = plan.personal.wire
            $0.control_variates = plan.controlVariates ? 1 : 0
            $0.class_means = plan.classMeans ? 1 : 0
            $0.generator_rate = plan.generatorRate
            $0.first_block = Int64(plan.firstBlock)
        }
    }
}
