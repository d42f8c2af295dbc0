"""Where telegrams come from: links, and the pipeline from bytes to a snapshot."""
