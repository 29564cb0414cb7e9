//! What lies where in the object store, and how it is put and got so that nothing read is believed unverified.
//!
//! [`layout`] names every object; [`Store`] opens a store by URL, a directory or a bucket, and moves objects under a time limit; [`chunk`] and [`recipe`] hold bundles,
//! [`set`] holds artifact sets. Agents write `chunks/` and `attempts/`, the coordinator everything; nothing read counts before its digest
//! agrees, so whoever can write objects can at worst make them missing.
//!
//! It deliberately does not know which set counts, which chunk is still needed, or who may ask: that is the ledger's.

mod blocking;
pub mod chunk;
mod credentials;
mod failure;
pub mod layout;
mod place;
mod probe;
pub mod recipe;
mod s3;
pub mod set;
mod store;

pub use credentials::{Credentials, CredentialsError};
pub use failure::Failure;
pub use place::OpenError;
pub use probe::{Creates, ProbeError};
pub use store::{Created, Store, StoreError};
