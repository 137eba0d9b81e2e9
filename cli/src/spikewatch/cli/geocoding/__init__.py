"""What the verbs geocode and geodata check share: tables of addresses, their columns, and what is written beside each row."""
