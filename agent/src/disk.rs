//! Free space and load of the machine, read without a tool where the system allows.

use std::path::Path;

use rustix::fs::statvfs;

/// Bytes that an ordinary user can still write where `path` lies; 0 when that cannot be found out.
pub(crate) fn free_bytes(path: &Path) -> u64 {
    statvfs(path).map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_there_has_room_and_one_that_is_not_has_none() {
        assert!(free_bytes(Path::new("/")) > 0);
        assert_eq!(free_bytes(Path::new("/nonexistent/place")), 0);
    }
}
