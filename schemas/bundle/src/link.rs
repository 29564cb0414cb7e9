//! Whether a symbolic link stays inside the tree, whatever other links its way leads through.
//!
//! A look at the link's own text is not enough: `a/up -> ..` stays inside, and so does `b -> a/up/..` by its text, yet the second
//! arrives above the root. So each link is followed through all the links of the tree, as a kernel would.

use std::collections::HashMap;

use crate::name::fold;

/// More links than any kernel follows (Linux 40, macOS 32): a longer way opens nothing.
const HOPS_MAX: usize = 1_000;

/// The links of one tree.
#[derive(Debug, Default)]
pub(crate) struct Links(HashMap<String, (String, String)>);

impl Links {
    /// Adds the link at `path` (from the root) that points to `target`.
    pub(crate) fn add(&mut self, path: &str, target: &str) {
        self.0.insert(fold(path), (path.to_owned(), target.to_owned()));
    }

    /// The first link, by path, that leaves the tree: its path and target.
    pub(crate) fn escaping(&self) -> Option<(&str, &str)> {
        let leaving = self.0.values().filter(|(path, target)| !self.stays(path, target));
        leaving.map(|(path, target)| (path.as_str(), target.as_str())).min()
    }

    fn stays(&self, path: &str, target: &str) -> bool {
        let mut here: Vec<String> = path.split('/').map(fold).collect();
        here.pop();
        let mut ahead = Vec::new();
        if !push_reversed(&mut ahead, target) {
            return false;
        }
        let mut hops = 0;
        while let Some(component) = ahead.pop() {
            match component {
                "" | "." => {}
                ".." => {
                    if here.pop().is_none() {
                        return false;
                    }
                }
                name => {
                    here.push(fold(name));
                    if let Some((_, target)) = self.0.get(&here.join("/")) {
                        hops += 1;
                        here.pop();
                        if hops > HOPS_MAX {
                            return true;
                        }
                        if !push_reversed(&mut ahead, target) {
                            return false;
                        }
                    }
                }
            }
        }
        true
    }
}

/// Puts the components of `target` on top; false for a target that does not start where the link is.
fn push_reversed<'a>(ahead: &mut Vec<&'a str>, target: &'a str) -> bool {
    if target.is_empty() || target.starts_with('/') {
        return false;
    }
    ahead.extend(target.split('/').rev());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaping(links: &[(&str, &str)]) -> Option<String> {
        let mut all = Links::default();
        for (path, target) in links {
            all.add(path, target);
        }
        all.escaping().map(|(path, _)| path.to_owned())
    }

    #[test]
    fn links_within_the_tree_stay() {
        for links in [
            &[("Current", "Versions/A")][..],
            &[("a/b/up", "../../README")],
            &[("a/root", "..")],
            &[("dangling", "not/there")],
            &[("loop", "pool"), ("pool", "loop")],
            &[("Versions/Current", "A"), ("Lib", "Versions/Current/Lib")],
        ] {
            assert_eq!(escaping(links), None, "{links:?}");
        }
    }

    #[test]
    fn a_link_that_leaves_by_its_own_text_is_found() {
        for (path, target) in [("a", ".."), ("a/b", "../../x"), ("a", "/etc/passwd"), ("a", "b/../../c"), ("a", "")] {
            assert_eq!(escaping(&[(path, target)]), Some(path.to_owned()), "{target}");
        }
    }

    #[test]
    fn a_link_that_leaves_by_way_of_another_is_found() {
        assert_eq!(escaping(&[("a/b/root", "../.."), ("way", "a/b/root/..")]), Some("way".to_owned()));
        assert_eq!(escaping(&[("A/b/root", "../.."), ("way", "a/B/ROOT/..")]), Some("way".to_owned()));
    }

    #[test]
    fn a_link_through_a_link_is_followed_to_where_it_really_is() {
        // By its text, x/../.. is above the root; by way of x it is a/b.
        assert_eq!(escaping(&[("x", "a/b/c/d"), ("y", "x/../..")]), None);
    }
}
