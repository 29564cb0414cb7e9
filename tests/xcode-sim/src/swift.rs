//! Reading Swift, as far as a test double must: enough to tell a broken file from a good one and to find the tests.
//!
//! The rule is "when in doubt, accept": a real compiler would say more, but a file that a real compiler accepts must
//! never be refused here.

mod check;
mod discovery;
mod lexer;
mod objective_c;
mod script;

pub(crate) use check::{Diagnostic, Severity, check};
pub(crate) use discovery::{SwiftTests, TestKind, TestMethod, discover};
pub(crate) use lexer::{Kind, Token, lex};
pub(crate) use objective_c::discover_objective_c;
pub(crate) use script::Script;
