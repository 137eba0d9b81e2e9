"""Farrington 1996 and its flexible form: a quasi-Poisson regression on the same time of past years, for many areas at once."""
