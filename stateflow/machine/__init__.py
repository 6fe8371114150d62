"""What may happen: guards, states, transitions, flows, and the kernel that steps them."""
