//! What a person changed in a tree since an earlier pass over it.

use std::collections::HashMap;

use super::{Earlier, Member};
use crate::pack::Packed;
use crate::tar::Kind;

/// Paths that differ, each list in the order of the tar. A directory is no change by itself: what is in it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files with another content or mode, links with another target.
    pub changed: Vec<String>,
    /// What was not there.
    pub added: Vec<String>,
    /// What is no longer there.
    pub removed: Vec<String>,
}

impl Changes {
    /// How many paths differ.
    pub fn count(&self) -> usize {
        self.changed.len() + self.added.len() + self.removed.len()
    }
}

impl Earlier {
    /// What `packed` has otherwise; `None` when it is of another root.
    pub fn changes(&self, packed: &Packed) -> Option<Changes> {
        if self.root != packed.tree().root() {
            return None;
        }
        let mut changes = Changes::default();
        if packed.is_as_earlier() {
            return Some(changes);
        }
        let mut before: HashMap<&str, &Member> = self.members.iter().map(|member| (member.path.as_str(), member)).collect();
        for (entry, fact) in packed.known().filter(|(entry, _)| entry.kind != Kind::Directory) {
            match before.remove(entry.path.as_str()).filter(|member| member.kind != Kind::Directory) {
                None => changes.added.push(entry.path.clone()),
                Some(member) if member.kind != entry.kind || member.fact.map(|fact| fact.sha256) != fact.map(|fact| fact.sha256) => {
                    changes.changed.push(entry.path.clone());
                }
                Some(_) => {}
            }
        }
        let gone = self.members.iter().filter(|member| member.kind != Kind::Directory && before.contains_key(member.path.as_str()));
        changes.removed.extend(gone.map(|member| member.path.clone()));
        Some(changes)
    }
}
