"""What each method of the driver does, over a link and values: one module an area."""
