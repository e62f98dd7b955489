//! Edge server: delivers objects from a cache that it fills itself.
