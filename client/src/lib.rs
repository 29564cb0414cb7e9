//! `rch`: from a source tree to verified artifacts.
