"""Package `ui`; see docs/architecture.md."""
