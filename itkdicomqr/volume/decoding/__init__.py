"""From pixel data elements to stored samples, for each transfer syntax."""
