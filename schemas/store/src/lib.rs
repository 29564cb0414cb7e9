//! What lies where in the object store, and how it is put and got so that nothing read is believed unverified.
//!
//! [`layout`] names every object; [`Store`] opens a store by URL and moves objects under a time limit; [`chunk`] and [`recipe`] hold bundles,
//! [`set`] holds artifact sets. Agents write `chunks/` and `attempts/`, the coordinator everything; nothing read counts before its digest
//! agrees, so whoever can write objects can at worst make them missing.
//!
//! It deliberately does not know which set counts, which chunk is still needed, or who may ask: that is the ledger's.

mod blocking;
pub mod chunk;
pub mod layout;
pub mod recipe;
pub mod set;
mod store;

pub use store::{OpenError, Store, StoreError};
