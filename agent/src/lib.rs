//! The agent: runs on each Mac, takes one offer at a time, builds, proves what it built.
