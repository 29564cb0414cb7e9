//! Programs of the farm that die with SIGKILL at a named place of their code, again and again, while runs come and go.
//!
//! What must hold after all of it is read from the ledger by [`crate::harness::Ledger`], from the clients' exit codes, and from the artifact sets they
//! fetched. `RCH_KILL_HITS` says how often each place is hit; a test prints which places it hit and how often.

mod agent;
mod coordinator;
mod load;
mod target;

/// How often each place is hit when nobody says otherwise: enough to see that all of them are survived.
const HITS: u32 = 1;

/// How often each place is hit.
fn hits() -> u32 {
    std::env::var("RCH_KILL_HITS").map_or(HITS, |text| text.parse().expect("RCH_KILL_HITS is a number"))
}
