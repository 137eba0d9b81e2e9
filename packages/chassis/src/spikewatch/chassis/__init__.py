"""How a service of Spikewatch runs: settings, broker, dead letters, telemetry, health, drain, MongoDB, gRPC."""
