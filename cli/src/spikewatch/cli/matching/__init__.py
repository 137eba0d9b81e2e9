"""What the verbs that match reports of files share."""
