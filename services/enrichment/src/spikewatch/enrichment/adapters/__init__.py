"""What reaches outside: MongoDB and files with geography."""
