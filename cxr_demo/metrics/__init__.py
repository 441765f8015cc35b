"""Package `metrics`; see docs/architecture.md."""
