//! A whole farm on one machine, in one command.
