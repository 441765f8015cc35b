"""Package `telemetry`; see docs/architecture.md."""
