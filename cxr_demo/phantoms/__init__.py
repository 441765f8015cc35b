"""Package `phantoms`; see docs/architecture.md."""
