"""A feed's files as the verbs read them: opened, unpacked, told apart."""
