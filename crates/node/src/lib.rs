//! The shell that storage nodes and distributors share: follows the directory, fills objects from sources.
