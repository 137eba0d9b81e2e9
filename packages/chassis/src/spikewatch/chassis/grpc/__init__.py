"""gRPC servers and clients with deadlines, health, tracing and clear errors."""
