//! End-to-end, contract and tidiness tests of the whole farm; see `e2e/`, `contract/` and `tidy/`. The binary `rch-farm` is what they run; here is what
//! more than one of them needs: buckets of an S3 server of their own, and a look into them that uses none of the project's code for it.

mod bucket;

pub use bucket::{fresh_bucket, objects_in};
