"""Running a graph: iterators over batches, a worker pool, and the limits a query runs under."""
