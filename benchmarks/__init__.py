"""Time and memory of the whole job, side by side with what else there is."""
