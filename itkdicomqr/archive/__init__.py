"""The embedded archive: a demo patient, an index in memory, and the SCP that serves it."""
