"""Kafka with safe defaults. The only package that imports faststream or aiokafka."""
