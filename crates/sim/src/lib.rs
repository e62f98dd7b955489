//! The cores and the directory under one seed, on a virtual clock, network and disks.
