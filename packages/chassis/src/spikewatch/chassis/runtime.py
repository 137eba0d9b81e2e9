"""The running service: what a composition root (`app.py`) wires to, and how it starts and stops."""
