"""From the headers of an instance to its slices, as its SOP class or its vendor arranges them."""
