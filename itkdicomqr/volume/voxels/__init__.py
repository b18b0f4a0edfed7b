"""From stored samples to voxels in memory: rescale, lookup tables, colours."""
