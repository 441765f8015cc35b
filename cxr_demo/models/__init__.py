"""Package `models`; see docs/architecture.md."""
