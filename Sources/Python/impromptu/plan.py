"""How a task asks a client to tune."""

from __future__ import annotations

from dataclasses import dataclass

from .wire import impromptu_pb2 as pb
from .wire import names
from .wire.tensors import WireError

_OPTIMIZERS = {pb.OPTIMIZER_ADAM: "adam", pb.OPTIMIZER_ADAMW: "adamw", pb.OPTIMIZER_SGD: "sgd"}
_PERSONAL = {
    pb.PERSONAL_NOTHING: "nothing",
    pb.PERSONAL_HEAD: "head",
    pb.PERSONAL_EVERYTHING: "everything",
}


@dataclass(frozen=True)
class TrainingPlan:
    """A task's plan. Defaults are for plans made by hand; one from the wire has every field."""

    epochs: int = 1
    """Passes over the client's samples, at least 1."""
    maximum_steps: int = 0
    """The most optimizer steps of the task, 0 for no bound."""
    batch_size: int = 16
    optimizer: str = "adam"
    """``"adam"``, ``"adamw"`` or ``"sgd"``."""
    prompt_learning_rate: float = 1e-3
    """Step size of the prompts and the key projection."""
    head_learning_rate: float = 1e-3
    momentum: float = 0.9
    """Decay of Adam's first moment, or SGD's momentum."""
    second_moment_decay: float = 0.98
    weight_decay: float = 0.0
    """Decoupled (AdamW), or an L2 penalty (Adam, SGD)."""
    gradient_clip: float = 0.0
    """The most Euclidean norm of a step's gradient, 0 for no bound."""
    prompts_per_batch: int = 10
    """Prompts that a batch picks from the pool, 0 for the whole pool."""
    similarity_weight: float = 0.01
    """Weight of the similarity between picked prompts and class features, which is added to the loss."""
    proximal_weight: float = 0.0
    """The mu of FedProx's term mu/2 ||v - v_base||^2, 0 for none."""
    logit_adjustment: float = 0.0
    """Factor of log P(class) that is added to the logits while training, 0 for none."""
    class_balance: float = 0.0
    """The beta of the class-balanced loss, 0 for none."""
    head_dropout: float = 0.0
    personal: str = "nothing"
    """What the client keeps from task to task and does not send: ``"nothing"``, ``"head"`` or ``"everything"``."""
    control_variates: bool = False
    """Whether steps follow SCAFFOLD's g + c - c_i, and an update holds ``control.<name>``."""
    class_means: bool = False
    """Whether the client tunes nothing and sends ``class.means`` and ``class.counts``, taken without prompts."""
    generator_rate: float = 0.0
    first_block: int = 0
    """The encoder's block, from 0, that prompts enter before."""

    def sends(self, name: str) -> bool:
        """Whether an update holds the tensor of that name. It always holds ``prompts``, if need be without rows."""
        if name == names.PROMPTS:
            return True
        if self.class_means:
            return name in (names.CLASS_MEANS, names.CLASS_COUNTS)
        return not name.startswith(names.FIXED) and name != names.STATISTICS_GENERATION and not self.keeps(name)

    def keeps(self, name: str) -> bool:
        """Whether the client starts from the published tensor once, continues from its own, and does not send it."""
        if self.personal == "everything":
            return True
        return self.personal == "head" and name.removeprefix(names.CONTROL).startswith(names.HEAD)

    @property
    def sends_no_rows(self) -> bool:
        """Whether the ``prompts`` of an update have no rows."""
        return self.class_means or self.personal == "everything"

    @staticmethod
    def from_wire(plan: pb.TrainingPlan) -> TrainingPlan:
        """Raises `WireError` for a plan that no client could follow."""
        fields = {field.name: getattr(plan, field.name) for field in plan.DESCRIPTOR.fields}
        bounds = (("epochs", 1), ("batch_size", 1), ("maximum_steps", 0), ("prompts_per_batch", 0), ("first_block", 0))
        for field, least in bounds:
            if fields[field] < least:
                raise WireError(f"task.plan.{field}: expected at least {least}, found {fields[field]}")
        for field, words in (("optimizer", _OPTIMIZERS), ("personal", _PERSONAL)):
            if fields[field] not in words:
                raise WireError(f"task.plan.{field}: expected one of {', '.join(words.values())}, found {fields[field]}")
            fields[field] = words[fields[field]]
        known = TrainingPlan.__dataclass_fields__
        return TrainingPlan(**{name: value for name, value in fields.items() if name in known})
