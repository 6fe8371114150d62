"""What is wrong with a flow that can be built."""
