"""Package `studies`; see docs/architecture.md."""
