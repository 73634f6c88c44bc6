"""The messages of protocol 2: generated from Proto/impromptu.proto, and what turns tensors into them and back."""

PROTOCOL = 2

# docs/wire-and-log.md, "Limits".
MESSAGE_BYTES = 64 << 20
TENSORS = 64
RANK = 4
NAME_BYTES = 64
METRICS = 64
PROMPTS = 65_536
FAILURE_BYTES = 1_024
MODEL_FIELDS = 4_096
LABEL_BYTES = 256
COUNT = 1 << 40
LARGEST_VALUE = 1e15
LARGEST_HALF = 65_504.0
