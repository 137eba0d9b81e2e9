"""What the tests across services share: a running pipeline, and the bookkeeping that tells whether anything was lost."""
