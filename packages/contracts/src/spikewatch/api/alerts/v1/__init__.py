"""Generated from proto/ by packages/contracts/generate_stubs.py."""
