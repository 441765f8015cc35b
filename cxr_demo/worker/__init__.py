"""Package `worker`; see docs/architecture.md."""
