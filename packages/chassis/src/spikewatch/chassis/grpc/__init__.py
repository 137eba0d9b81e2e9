"""gRPC, right by default: a server with health, reflection and interceptors, and a channel with deadline, retries and token."""
