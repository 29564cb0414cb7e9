//! The pure scheduler: decides what happens next, from state, facts and a command alone.
