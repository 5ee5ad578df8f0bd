"""What is dear to make and cheap to lose, kept in files: trees, traces, and the folder that holds them."""
