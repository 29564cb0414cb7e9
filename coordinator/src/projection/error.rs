//! Why the projection cannot be used.

use std::path::PathBuf;

/// Any of these ends the process.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectionError {
    #[error("cannot use the directory {} for the projection", path.display())]
    Directory { path: PathBuf, source: std::io::Error },
    #[error("another coordinator uses the projection in {}: give each its own data_dir", path.display())]
    InUse { path: PathBuf },
    #[error("the projection's database failed")]
    Database(#[source] Box<redb::Error>),
    #[error(
        "row {key} of the projection's table {table} does not read back; stop the coordinator and move the projection aside, it is rebuilt from the ledger"
    )]
    Row { table: &'static str, key: String, source: serde_json::Error },
    #[error("the projection's writer has stopped")]
    Stopped,
}

impl<E: Into<redb::Error>> From<E> for ProjectionError {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}
