"""From a stack to where its voxels lie: one regular grid, or a refusal."""
