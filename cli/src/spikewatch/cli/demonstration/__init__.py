"""The demo in parts: what is replayed, when the pipeline has settled, what every stage then holds, and how it is shown."""
