"""What comes in: records of topics, and calls of the gRPC interface."""
