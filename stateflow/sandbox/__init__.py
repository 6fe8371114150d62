"""How code is run that an agent wrote: embedded, in a container, on the host, in a cloud."""
