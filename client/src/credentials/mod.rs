//! What `rch login` leaves for later commands: per coordinator, the farm's key and perhaps a token.
//!
//! It owns the file (`~/.config/rch/credentials.toml`, for its owner's eyes alone) and the rule by which a token may travel. A token is never
//! part of the configuration, of a message or of a document; it comes from a file, standard input or `RCH_TOKEN`, never from arguments, which
//! every process of a machine can read.

mod access;
mod error;
mod store;
mod token;

pub(crate) use access::{Access, PlainHttp};
pub(crate) use error::CredentialsError;
pub(crate) use store::{Credentials, Login, address, replace};
pub(crate) use token::Token;
