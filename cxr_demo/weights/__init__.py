"""Package `weights`; see docs/architecture.md."""
