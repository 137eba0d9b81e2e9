"""MongoDB and Kafka as the directory uses them."""
