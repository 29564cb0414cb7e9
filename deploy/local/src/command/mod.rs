//! The commands of `rch-local`, a file each.

mod demo;
mod down;
mod local_farm;
mod pid_file;
mod up;

pub(crate) use demo::demo;
pub(crate) use down::down;
pub(crate) use up::{StoreKind, up};
