//! State of one instance: words, delay lines, heap and scratch. Allocated and freed by the worker.
