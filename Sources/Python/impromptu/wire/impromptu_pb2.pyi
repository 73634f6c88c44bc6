from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

ACTIVITY_IDLE: Activity
ACTIVITY_TRAINING: Activity
ACTIVITY_UNSPECIFIED: Activity
ACTIVITY_WAITING: Activity
DATA_TYPE_F16: DataType
DATA_TYPE_F32: DataType
DATA_TYPE_UNSPECIFIED: DataType
DESCRIPTOR: _descriptor.FileDescriptor
OPTIMIZER_ADAM: Optimizer
OPTIMIZER_ADAMW: Optimizer
OPTIMIZER_SGD: Optimizer
OPTIMIZER_UNSPECIFIED: Optimizer
PERSONAL_EVERYTHING: Personal
PERSONAL_HEAD: Personal
PERSONAL_NOTHING: Personal
PERSONAL_UNSPECIFIED: Personal
PHASE_FINISHED: Phase
PHASE_RUNNING: Phase
PHASE_UNSPECIFIED: Phase
REFUSE_CODE_FENCED: RefuseCode
REFUSE_CODE_FULL: RefuseCode
REFUSE_CODE_MODEL_MISMATCH: RefuseCode
REFUSE_CODE_QUARANTINED: RefuseCode
REFUSE_CODE_UNSPECIFIED: RefuseCode
REJECT_CODE_FINISHED: RejectCode
REJECT_CODE_INVALID: RejectCode
REJECT_CODE_OTHER_RUN: RejectCode
REJECT_CODE_QUARANTINED: RejectCode
REJECT_CODE_TOO_STALE: RejectCode
REJECT_CODE_UNKNOWN_TASK: RejectCode
REJECT_CODE_UNKNOWN_VERSION: RejectCode
REJECT_CODE_UNSPECIFIED: RejectCode

class AcceptedFork(_message.Message):
    __slots__ = ["logged", "replayed", "version"]
    LOGGED_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    logged: bytes
    replayed: bytes
    version: int
    def __init__(self, version: _Optional[int] = ..., logged: _Optional[bytes] = ..., replayed: _Optional[bytes] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ["client", "task"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    client: str
    task: int
    def __init__(self, client: _Optional[str] = ..., task: _Optional[int] = ...) -> None: ...

class AggregatorEnvelope(_message.Message):
    __slots__ = ["ack", "beacon", "epoch", "evaluate", "malformed", "prompts", "protocol", "refuse", "reject", "run", "say_hello", "task", "welcome"]
    ACK_FIELD_NUMBER: _ClassVar[int]
    BEACON_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_FIELD_NUMBER: _ClassVar[int]
    MALFORMED_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    REFUSE_FIELD_NUMBER: _ClassVar[int]
    REJECT_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    SAY_HELLO_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ack: Ack
    beacon: Beacon
    epoch: int
    evaluate: Evaluate
    malformed: Malformed
    prompts: Prompts
    protocol: int
    refuse: Refuse
    reject: Reject
    run: int
    say_hello: SayHello
    task: Task
    welcome: Welcome
    def __init__(self, protocol: _Optional[int] = ..., run: _Optional[int] = ..., epoch: _Optional[int] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., task: _Optional[_Union[Task, _Mapping]] = ..., prompts: _Optional[_Union[Prompts, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., reject: _Optional[_Union[Reject, _Mapping]] = ..., refuse: _Optional[_Union[Refuse, _Mapping]] = ..., say_hello: _Optional[_Union[SayHello, _Mapping]] = ..., beacon: _Optional[_Union[Beacon, _Mapping]] = ..., malformed: _Optional[_Union[Malformed, _Mapping]] = ..., evaluate: _Optional[_Union[Evaluate, _Mapping]] = ...) -> None: ...

class Beacon(_message.Message):
    __slots__ = ["buffered", "clients_alive", "evaluate", "in_flight", "late_updates", "metrics", "phase", "pool", "updates", "version"]
    BUFFERED_FIELD_NUMBER: _ClassVar[int]
    CLIENTS_ALIVE_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    LATE_UPDATES_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    buffered: int
    clients_alive: int
    evaluate: Evaluate
    in_flight: int
    late_updates: int
    metrics: _containers.RepeatedCompositeFieldContainer[Metric]
    phase: Phase
    pool: int
    updates: int
    version: int
    def __init__(self, phase: _Optional[_Union[Phase, str]] = ..., version: _Optional[int] = ..., updates: _Optional[int] = ..., late_updates: _Optional[int] = ..., clients_alive: _Optional[int] = ..., in_flight: _Optional[int] = ..., buffered: _Optional[int] = ..., pool: _Optional[int] = ..., metrics: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ..., evaluate: _Optional[_Union[Evaluate, _Mapping]] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ["chain", "closing", "continued", "records", "signature"]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    CLOSING_FIELD_NUMBER: _ClassVar[int]
    CONTINUED_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    chain: bytes
    closing: bool
    continued: bool
    records: int
    signature: bytes
    def __init__(self, records: _Optional[int] = ..., chain: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., closing: bool = ..., continued: bool = ...) -> None: ...

class ClientEnvelope(_message.Message):
    __slots__ = ["evaluation", "failure", "fetch", "goodbye", "heartbeat", "hello", "presence", "protocol", "update"]
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    FETCH_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    evaluation: Evaluation
    failure: Failure
    fetch: Fetch
    goodbye: Goodbye
    heartbeat: Heartbeat
    hello: Hello
    presence: Presence
    protocol: int
    update: Update
    def __init__(self, protocol: _Optional[int] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., update: _Optional[_Union[Update, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., fetch: _Optional[_Union[Fetch, _Mapping]] = ..., presence: _Optional[_Union[Presence, _Mapping]] = ..., evaluation: _Optional[_Union[Evaluation, _Mapping]] = ...) -> None: ...

class DrainRequested(_message.Message):
    __slots__ = ["patience_milliseconds"]
    PATIENCE_MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    patience_milliseconds: int
    def __init__(self, patience_milliseconds: _Optional[int] = ...) -> None: ...

class EpochStarted(_message.Message):
    __slots__ = ["epoch", "fork", "program", "signing_key"]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FORK_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    SIGNING_KEY_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    fork: AcceptedFork
    program: Program
    signing_key: bytes
    def __init__(self, epoch: _Optional[int] = ..., program: _Optional[_Union[Program, _Mapping]] = ..., signing_key: _Optional[bytes] = ..., fork: _Optional[_Union[AcceptedFork, _Mapping]] = ...) -> None: ...

class Evaluate(_message.Message):
    __slots__ = ["version"]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: int
    def __init__(self, version: _Optional[int] = ...) -> None: ...

class Evaluation(_message.Message):
    __slots__ = ["client", "correct", "loss", "session", "total", "version"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    CORRECT_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    client: str
    correct: _containers.RepeatedScalarFieldContainer[int]
    loss: float
    session: int
    total: _containers.RepeatedScalarFieldContainer[int]
    version: int
    def __init__(self, client: _Optional[str] = ..., session: _Optional[int] = ..., version: _Optional[int] = ..., loss: _Optional[float] = ..., total: _Optional[_Iterable[int]] = ..., correct: _Optional[_Iterable[int]] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ["client", "reason", "session", "task"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    client: str
    reason: str
    session: int
    task: int
    def __init__(self, client: _Optional[str] = ..., session: _Optional[int] = ..., task: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class Fetch(_message.Message):
    __slots__ = ["client", "holding", "session"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    HOLDING_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    client: str
    holding: int
    session: int
    def __init__(self, client: _Optional[str] = ..., session: _Optional[int] = ..., holding: _Optional[int] = ...) -> None: ...

class FlushAggregated(_message.Message):
    __slots__ = ["version"]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: int
    def __init__(self, version: _Optional[int] = ...) -> None: ...

class GlobalPrompts(_message.Message):
    __slots__ = ["prompt_ids", "tensors", "version"]
    PROMPT_IDS_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    prompt_ids: _containers.RepeatedScalarFieldContainer[int]
    tensors: _containers.RepeatedCompositeFieldContainer[Tensor]
    version: int
    def __init__(self, version: _Optional[int] = ..., tensors: _Optional[_Iterable[_Union[Tensor, _Mapping]]] = ..., prompt_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ["client", "session"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    client: str
    session: int
    def __init__(self, client: _Optional[str] = ..., session: _Optional[int] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ["activity", "client", "outstanding", "session", "task"]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    OUTSTANDING_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    activity: Activity
    client: str
    outstanding: int
    session: int
    task: int
    def __init__(self, client: _Optional[str] = ..., session: _Optional[int] = ..., activity: _Optional[_Union[Activity, str]] = ..., task: _Optional[int] = ..., outstanding: _Optional[int] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ["client", "held_out_count", "model", "sample_count", "session"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_COUNT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    client: str
    held_out_count: int
    model: ModelSpecification
    sample_count: int
    session: int
    def __init__(self, client: _Optional[str] = ..., session: _Optional[int] = ..., sample_count: _Optional[int] = ..., model: _Optional[_Union[ModelSpecification, _Mapping]] = ..., held_out_count: _Optional[int] = ...) -> None: ...

class Malformed(_message.Message):
    __slots__ = ["client", "reason"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    client: str
    reason: str
    def __init__(self, client: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Metric(_message.Message):
    __slots__ = ["name", "value"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class ModelField(_message.Message):
    __slots__ = ["name", "value"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class ModelSpecification(_message.Message):
    __slots__ = ["digest", "fields"]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    digest: str
    fields: _containers.RepeatedCompositeFieldContainer[ModelField]
    def __init__(self, digest: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[ModelField, _Mapping]]] = ...) -> None: ...

class Presence(_message.Message):
    __slots__ = ["heartbeats"]
    HEARTBEATS_FIELD_NUMBER: _ClassVar[int]
    heartbeats: _containers.RepeatedCompositeFieldContainer[Heartbeat]
    def __init__(self, heartbeats: _Optional[_Iterable[_Union[Heartbeat, _Mapping]]] = ...) -> None: ...

class Program(_message.Message):
    __slots__ = ["algorithm", "build", "kernels"]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    KERNELS_FIELD_NUMBER: _ClassVar[int]
    algorithm: int
    build: str
    kernels: str
    def __init__(self, build: _Optional[str] = ..., kernels: _Optional[str] = ..., algorithm: _Optional[int] = ...) -> None: ...

class Prompts(_message.Message):
    __slots__ = ["prompt_ids", "tensors", "unchanged", "version"]
    PROMPT_IDS_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    prompt_ids: _containers.RepeatedScalarFieldContainer[int]
    tensors: _containers.RepeatedCompositeFieldContainer[Tensor]
    unchanged: _containers.RepeatedCompositeFieldContainer[Unchanged]
    version: int
    def __init__(self, version: _Optional[int] = ..., tensors: _Optional[_Iterable[_Union[Tensor, _Mapping]]] = ..., prompt_ids: _Optional[_Iterable[int]] = ..., unchanged: _Optional[_Iterable[_Union[Unchanged, _Mapping]]] = ...) -> None: ...

class Publication(_message.Message):
    __slots__ = ["contributions", "digest", "pool", "updates", "version"]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    contributions: int
    digest: bytes
    pool: int
    updates: int
    version: int
    def __init__(self, version: _Optional[int] = ..., digest: _Optional[bytes] = ..., pool: _Optional[int] = ..., contributions: _Optional[int] = ..., updates: _Optional[int] = ...) -> None: ...

class Refuse(_message.Message):
    __slots__ = ["client", "code", "reason", "session"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    client: str
    code: RefuseCode
    reason: str
    session: int
    def __init__(self, client: _Optional[str] = ..., session: _Optional[int] = ..., code: _Optional[_Union[RefuseCode, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class Reject(_message.Message):
    __slots__ = ["client", "code", "reason", "run", "task"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    client: str
    code: RejectCode
    reason: str
    run: int
    task: int
    def __init__(self, client: _Optional[str] = ..., run: _Optional[int] = ..., task: _Optional[int] = ..., code: _Optional[_Union[RejectCode, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class RunHeader(_message.Message):
    __slots__ = ["configuration_yaml", "initial", "log_format", "model", "program", "run", "seed", "warm_start"]
    CONFIGURATION_YAML_FIELD_NUMBER: _ClassVar[int]
    INITIAL_FIELD_NUMBER: _ClassVar[int]
    LOG_FORMAT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    WARM_START_FIELD_NUMBER: _ClassVar[int]
    configuration_yaml: str
    initial: GlobalPrompts
    log_format: int
    model: ModelSpecification
    program: Program
    run: int
    seed: int
    warm_start: WarmStart
    def __init__(self, log_format: _Optional[int] = ..., configuration_yaml: _Optional[str] = ..., seed: _Optional[int] = ..., program: _Optional[_Union[Program, _Mapping]] = ..., run: _Optional[int] = ..., initial: _Optional[_Union[GlobalPrompts, _Mapping]] = ..., model: _Optional[_Union[ModelSpecification, _Mapping]] = ..., warm_start: _Optional[_Union[WarmStart, _Mapping]] = ...) -> None: ...

class SayHello(_message.Message):
    __slots__ = ["client", "session"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    client: str
    session: int
    def __init__(self, client: _Optional[str] = ..., session: _Optional[int] = ...) -> None: ...

class SegmentStarted(_message.Message):
    __slots__ = ["bytes", "chain", "header", "number", "records", "snapshot", "start"]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    chain: bytes
    header: RunHeader
    number: int
    records: int
    snapshot: bytes
    start: EpochStarted
    def __init__(self, number: _Optional[int] = ..., records: _Optional[int] = ..., chain: _Optional[bytes] = ..., bytes: _Optional[int] = ..., header: _Optional[_Union[RunHeader, _Mapping]] = ..., start: _Optional[_Union[EpochStarted, _Mapping]] = ..., snapshot: _Optional[bytes] = ...) -> None: ...

class SettingChanged(_message.Message):
    __slots__ = ["key", "value"]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class Task(_message.Message):
    __slots__ = ["client", "number", "plan", "seed", "session", "version"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    client: str
    number: int
    plan: TrainingPlan
    seed: int
    session: int
    version: int
    def __init__(self, client: _Optional[str] = ..., session: _Optional[int] = ..., number: _Optional[int] = ..., version: _Optional[int] = ..., seed: _Optional[int] = ..., plan: _Optional[_Union[TrainingPlan, _Mapping]] = ...) -> None: ...

class Tensor(_message.Message):
    __slots__ = ["data", "dtype", "name", "shape"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    dtype: DataType
    name: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[_Union[DataType, str]] = ..., shape: _Optional[_Iterable[int]] = ..., data: _Optional[bytes] = ...) -> None: ...

class Tick(_message.Message):
    __slots__ = ["heard"]
    HEARD_FIELD_NUMBER: _ClassVar[int]
    heard: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, heard: _Optional[_Iterable[int]] = ...) -> None: ...

class TrainingPlan(_message.Message):
    __slots__ = ["batch_size", "class_balance", "class_means", "control_variates", "epochs", "first_block", "generator_rate", "gradient_clip", "head_dropout", "head_learning_rate", "logit_adjustment", "maximum_steps", "momentum", "optimizer", "personal", "prompt_learning_rate", "prompts_per_batch", "proximal_weight", "second_moment_decay", "similarity_weight", "weight_decay"]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    CLASS_BALANCE_FIELD_NUMBER: _ClassVar[int]
    CLASS_MEANS_FIELD_NUMBER: _ClassVar[int]
    CONTROL_VARIATES_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    FIRST_BLOCK_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_RATE_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_CLIP_FIELD_NUMBER: _ClassVar[int]
    HEAD_DROPOUT_FIELD_NUMBER: _ClassVar[int]
    HEAD_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    LOGIT_ADJUSTMENT_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    PERSONAL_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_PER_BATCH_FIELD_NUMBER: _ClassVar[int]
    PROMPT_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    PROXIMAL_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SECOND_MOMENT_DECAY_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    batch_size: int
    class_balance: float
    class_means: bool
    control_variates: bool
    epochs: int
    first_block: int
    generator_rate: float
    gradient_clip: float
    head_dropout: float
    head_learning_rate: float
    logit_adjustment: float
    maximum_steps: int
    momentum: float
    optimizer: Optimizer
    personal: Personal
    prompt_learning_rate: float
    prompts_per_batch: int
    proximal_weight: float
    second_moment_decay: float
    similarity_weight: float
    weight_decay: float
    def __init__(self, epochs: _Optional[int] = ..., maximum_steps: _Optional[int] = ..., batch_size: _Optional[int] = ..., optimizer: _Optional[_Union[Optimizer, str]] = ..., prompt_learning_rate: _Optional[float] = ..., head_learning_rate: _Optional[float] = ..., momentum: _Optional[float] = ..., second_moment_decay: _Optional[float] = ..., weight_decay: _Optional[float] = ..., gradient_clip: _Optional[float] = ..., prompts_per_batch: _Optional[int] = ..., similarity_weight: _Optional[float] = ..., proximal_weight: _Optional[float] = ..., logit_adjustment: _Optional[float] = ..., class_balance: _Optional[float] = ..., head_dropout: _Optional[float] = ..., personal: _Optional[_Union[Personal, str]] = ..., control_variates: bool = ..., class_means: bool = ..., generator_rate: _Optional[float] = ..., first_block: _Optional[int] = ...) -> None: ...

class Unchanged(_message.Message):
    __slots__ = ["name", "since"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    since: int
    def __init__(self, name: _Optional[str] = ..., since: _Optional[int] = ...) -> None: ...

class Update(_message.Message):
    __slots__ = ["base_version", "client", "metrics", "prompt_ids", "run", "sample_count", "session", "task", "tensors"]
    BASE_VERSION_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    PROMPT_IDS_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    base_version: int
    client: str
    metrics: _containers.RepeatedCompositeFieldContainer[Metric]
    prompt_ids: _containers.RepeatedScalarFieldContainer[int]
    run: int
    sample_count: int
    session: int
    task: int
    tensors: _containers.RepeatedCompositeFieldContainer[Tensor]
    def __init__(self, client: _Optional[str] = ..., session: _Optional[int] = ..., run: _Optional[int] = ..., task: _Optional[int] = ..., base_version: _Optional[int] = ..., sample_count: _Optional[int] = ..., tensors: _Optional[_Iterable[_Union[Tensor, _Mapping]]] = ..., prompt_ids: _Optional[_Iterable[int]] = ..., metrics: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ...) -> None: ...

class Validation(_message.Message):
    __slots__ = ["accuracy", "balanced_accuracy", "loss", "masked_accuracy", "version"]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    BALANCED_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    MASKED_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    accuracy: float
    balanced_accuracy: float
    loss: float
    masked_accuracy: float
    version: int
    def __init__(self, version: _Optional[int] = ..., accuracy: _Optional[float] = ..., balanced_accuracy: _Optional[float] = ..., loss: _Optional[float] = ..., masked_accuracy: _Optional[float] = ...) -> None: ...

class WarmStart(_message.Message):
    __slots__ = ["digest", "run", "run_id", "version"]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    digest: str
    run: str
    run_id: str
    version: int
    def __init__(self, run: _Optional[str] = ..., run_id: _Optional[str] = ..., version: _Optional[int] = ..., digest: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ["client", "dtype", "heartbeat_milliseconds", "model_digest", "session", "version"]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    client: str
    dtype: DataType
    heartbeat_milliseconds: int
    model_digest: str
    session: int
    version: int
    def __init__(self, client: _Optional[str] = ..., session: _Optional[int] = ..., version: _Optional[int] = ..., heartbeat_milliseconds: _Optional[int] = ..., dtype: _Optional[_Union[DataType, str]] = ..., model_digest: _Optional[str] = ...) -> None: ...

class DataType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Personal(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Optimizer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Activity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class RejectCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class RefuseCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
