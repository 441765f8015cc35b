"""Package `labelers`; see docs/architecture.md."""
