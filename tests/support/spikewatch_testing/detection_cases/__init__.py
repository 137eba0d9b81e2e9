"""Reference cases of detectors: folders of input, expected columns and the peer's call, read and compared."""
