"""What a record of the directory may be: pure code, no I/O."""
