"""Sending the records of a feed to the gateway: cut into bodies, paced by event time, retried until answered."""
