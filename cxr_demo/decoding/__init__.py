"""Package `decoding`; see docs/architecture.md."""
