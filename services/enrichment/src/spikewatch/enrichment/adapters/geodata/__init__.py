"""Reads files of streets, addresses and places, and keeps what the geocoder needs in one memory-mapped file."""
