"""The local stack: a real mongod, a real Apache Kafka and every service as a process of its own, all on loopback."""
