//! Any tree comes back as it went.

use proptest::prelude::*;

use super::*;
use crate::pack::pack;
use crate::{directory, tree};

/// A name that a tree may hold, with letters that need a PAX header and lengths about the border of one.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{1,2}",
        2 => "[a-z \u{e9}\u{d55c}_.-]{1,20}[a-z]",
        1 => "[x-z]{90,110}",
    ]
}

#[derive(Debug, Clone)]
enum Node {
    File(Vec<u8>, bool),
    Link(String),
    Directory(std::collections::BTreeMap<String, Node>),
}

fn any_tree() -> impl Strategy<Value = Node> {
    let content = prop_oneof![3 => proptest::collection::vec(any::<u8>(), 0..1_200), 1 => Just(vec![b'x'; 2_500_000])];
    let leaf = prop_oneof![
        4 => (content, any::<bool>()).prop_map(|(content, executable)| Node::File(content, executable)),
        1 => any_name().prop_map(Node::Link),
    ];
    let node = leaf.prop_recursive(4, 24, 6, |inner| proptest::collection::btree_map(any_name(), inner, 0..6).prop_map(Node::Directory));
    proptest::collection::btree_map(any_name(), node, 0..8).prop_map(Node::Directory)
}

fn make(node: &Node, path: &Path) {
    match node {
        Node::File(content, executable) => {
            fs::write(path, content).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(if *executable { 0o755 } else { 0o644 })).unwrap();
        }
        Node::Link(target) => symlink(target, path).unwrap(),
        Node::Directory(children) => {
            fs::create_dir_all(path).unwrap();
            for (name, child) in children {
                make(child, &path.join(name));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tree_that_was_packed_unpacks_to_itself(node in any_tree(), piece in 1_usize..3_000_000) {
        let root = tempfile::tempdir().unwrap();
        make(&node, root.path());
        let packed = match directory::list(root.path()) {
            Ok(tree) => pack(&tree).unwrap(),
            // Two made-up names may be one on a Mac.
            Err(tree::WalkError::NameCollision { .. }) => return Ok(()),
            Err(error) => panic!("{error}"),
        };
        let tar: Vec<u8> = (0..packed.chunks().len()).flat_map(|index| packed.read_chunk(index).unwrap()).collect();
        let (copy, entries) = unpack_expecting(&tar, Expected { sha256: packed.sha256(), size: packed.size() }, piece);
        prop_assert_eq!(entries.unwrap(), packed.source_entries());
        let again = pack(&directory::list(copy.path()).unwrap()).unwrap();
        prop_assert_eq!(again.sha256(), packed.sha256());
    }
}
