"""Finds the place that a written address, corner, milepost or name means, without asking anybody outside."""
