//! Opening the database: one of another form is moved aside, never migrated in place, since the ledger rebuilds it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, DatabaseError, ReadableDatabase as _, TableError};

use super::error::ProjectionError;
use super::rows::bytes;
use super::snapshot::Snapshot;
use super::table::{APPLY_VERSION_KEY, ARRIVALS, GAPS, JOBS, JUDGEMENTS, META, OLD_JOBS, OLD_JUDGEMENTS, OLD_RUNS, RUNS, WORKERS};
use crate::clock;

/// Bumped when rows change their form or `apply` makes something else of an event.
const APPLY_VERSION: u32 = 8;
/// The database in `data_dir`.
const FILE_NAME: &str = "projection.redb";

/// The database, and what became of one that was there.
pub(crate) struct Opened {
    /// The database, its tables made.
    pub(crate) database: Arc<Database>,
    /// Where a database of another form was moved; it is rebuilt from the ledger.
    pub(crate) moved_aside: Option<PathBuf>,
}

/// Opens or makes the projection in `data_dir`.
pub(crate) fn open(data_dir: &Path) -> Result<Opened, ProjectionError> {
    let directory = |source| ProjectionError::Directory { path: data_dir.to_owned(), source };
    // Who built what is nobody else's to read; a directory that is there keeps its mode.
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(directory)?;
    let path = data_dir.join(FILE_NAME);
    let database = create(&path)?;
    if is_readable(&database)? {
        make_tables(&database)?;
        return Ok(Opened { database: Arc::new(database), moved_aside: None });
    }
    drop(database);
    let aside = data_dir.join(format!("projection-{}.redb", clock::wall().unix_ms()));
    std::fs::rename(&path, &aside).map_err(directory)?;
    let database = create(&path)?;
    make_tables(&database)?;
    Ok(Opened { database: Arc::new(database), moved_aside: Some(aside) })
}

fn create(path: &Path) -> Result<Database, ProjectionError> {
    match Database::create(path) {
        Ok(database) => Ok(database),
        Err(DatabaseError::DatabaseAlreadyOpen) => Err(ProjectionError::InUse { path: path.to_owned() }),
        Err(error) => Err(error.into()),
    }
}

/// Whether the database is new, or of this build's form with rows that read back.
fn is_readable(database: &Database) -> Result<bool, ProjectionError> {
    let transaction = database.begin_read()?;
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(true),
        Err(error) => return Err(error.into()),
    };
    let found = meta.get(APPLY_VERSION_KEY)?.map(|value| value.value().to_vec());
    if found != Some(bytes(&APPLY_VERSION)) {
        return Ok(false);
    }
    match Snapshot::of(database)?.state_rows() {
        Ok(_) => Ok(true),
        Err(ProjectionError::Row { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn make_tables(database: &Database) -> Result<(), ProjectionError> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    {
        for table in [RUNS, JOBS, WORKERS, OLD_RUNS, OLD_JOBS, JUDGEMENTS, OLD_JUDGEMENTS] {
            transaction.open_table(table)?;
        }
        transaction.open_table(ARRIVALS)?;
        transaction.open_table(GAPS)?;
        transaction.open_table(META)?.insert(APPLY_VERSION_KEY, bytes(&APPLY_VERSION).as_slice())?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_data_directory_that_is_made_is_its_owner_s_alone() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("coordinator/data");
        open(&data).unwrap();
        assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_projection_of_another_form_is_moved_aside_and_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        let opened = open(dir.path()).unwrap();
        assert!(opened.moved_aside.is_none());
        let transaction = opened.database.begin_write().unwrap();
        transaction.open_table(META).unwrap().insert(APPLY_VERSION_KEY, bytes(&(APPLY_VERSION + 1)).as_slice()).unwrap();
        transaction.commit().unwrap();
        drop(opened);

        let opened = open(dir.path()).unwrap();
        assert!(opened.moved_aside.is_some_and(|path| path.exists()));
        assert_eq!(Snapshot::of(&opened.database).unwrap().position().unwrap().seq.0, 0);
    }

    #[test]
    fn a_second_coordinator_in_the_same_directory_is_told_so() {
        let dir = tempfile::tempdir().unwrap();
        let opened = open(dir.path()).unwrap();
        assert!(matches!(open(dir.path()), Err(ProjectionError::InUse { .. })));
        drop(opened);
        assert!(open(dir.path()).unwrap().moved_aside.is_none());
    }
}
