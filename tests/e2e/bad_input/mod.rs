//! What people and programs get wrong: each row of a table is one mistake, and the committed text beside it is what they are told: exit code, reason and
//! every word. A change of wording is a visible diff; `RCH_UPDATE_GOLDEN=1` writes it anew.

mod archive;
mod artifacts;
mod config;
mod farm;
mod http;
mod line;
mod table;
mod tree;
