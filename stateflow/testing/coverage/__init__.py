"""Which states, transitions and guards a set of runs came by."""
