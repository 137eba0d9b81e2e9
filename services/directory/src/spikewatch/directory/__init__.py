"""Keeps agencies, providers, services and contacts, and says who answers for an area."""
