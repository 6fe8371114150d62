"""How two flows differ, as state machines."""
