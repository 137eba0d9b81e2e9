"""Public points: places shown to everybody, displaced so that no household can be told from them."""
