//! A destination as a person writes it, read into what it asks for.
//!
//! Owns the grammar of `-destination` (split only at `,key=`, aliases of platforms, generic destinations and their placeholders) and the
//! closed list of platforms. It deliberately does not know any worker: which device, runtime or architecture satisfies a request is the
//! scheduler's to decide, and a text without a platform keeps it open, because the device type's family settles it there.

mod platform;
mod spec;

pub use platform::{Platform, UnknownPlatform};
pub use spec::{DestinationError, DestinationKind, DestinationSpec, OsRequest};

#[cfg(test)]
mod tests;
