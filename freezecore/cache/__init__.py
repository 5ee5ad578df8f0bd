"""What is slow to make and cheap to lose: files that every process finds (store, trees, traces), and memory."""
