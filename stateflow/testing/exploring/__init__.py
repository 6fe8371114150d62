"""Random and systematic walks through a flow, by the real engine."""
