"""Whether a client keeps to docs/wire-and-log.md: an aggregator that misbehaves on purpose, and the rules."""
