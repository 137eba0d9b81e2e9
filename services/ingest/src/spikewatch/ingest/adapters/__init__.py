"""What touches the outside: the HTTP gateway and the MongoDB stores."""
