//! How one coordinator is spoken to.

use rch_schemas::seal::PublicKey;

use super::token::Token;

/// Whether a token may travel where anybody on the way can read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum PlainHttp {
    /// It may not, except within this machine.
    #[default]
    Refused,
    /// Whoever logged in said so.
    Allowed,
}

/// What is known of a farm before it is asked. The default knows nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    /// Sent with every request.
    pub(crate) token: Option<Token>,
    /// The only key whose farm will do.
    pub(crate) pinned: Option<PublicKey>,
    /// Whether the token may be sent over plain HTTP.
    pub(crate) plain_http: PlainHttp,
}
