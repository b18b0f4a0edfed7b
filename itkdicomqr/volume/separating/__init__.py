"""From slices in any order to stacks, each of which is to become one volume."""
