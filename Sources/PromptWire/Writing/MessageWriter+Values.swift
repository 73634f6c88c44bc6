import CPromptWire
import Federation
import PromptAggregation

extension MessageWriter {
    func tensor(_ entry: Parameters.Entry) -> UnsafeMutablePointer<Impromptu__V1__Tensor> {
        message(impromptu__v1__tensor__init) {
            $0.name = text(entry.name)
            $0.dtype = IMPROMPTU__V1__DATA_TYPE__DATA_TYPE_F32
            $0.n_shape = entry.tensor.shape.count
            // A tensor's extents are not negative.
            $0.shape = array(entry.tensor.shape.map(UInt64.init))
            $0.data = littleEndian(entry.tensor.values)
        }
    }

    func metric(_ metric: Metric) -> UnsafeMutablePointer<Impromptu__V1__Metric> {
        message(impromptu__v1__metric__init) {
            $0.name = text(metric.name)
            $0.value = metric.value
        }
    }

    func plan(_ plan: TrainingPlan) -> UnsafeMutablePointer<Impromptu__V1__TrainingPlan> {
        message(impromptu__v1__training_plan__init) {
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
        }
    }
}
