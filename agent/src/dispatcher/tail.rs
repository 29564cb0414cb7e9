//! A piece of a log that the stream no longer has.

use std::io::SeekFrom;
use std::path::Path;

use rch_schemas::Reason;
use rch_schemas::wire::WireError;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// Up to `bytes_max` bytes from `offset`, and the size of the log when it was read.
pub(super) async fn read(log: &Path, offset: u64, bytes_max: u32) -> Result<(Vec<u8>, u64), WireError> {
    let gone = |_| WireError::new(Reason::NotFound, "this worker does not hold the attempt's log");
    let mut file = File::open(log).await.map_err(gone)?;
    let size = file.metadata().await.map_err(gone)?.len();
    if offset > size {
        return Err(WireError::new(Reason::InvalidRequest, format!("offset is {offset}, the log has {size} bytes")));
    }
    file.seek(SeekFrom::Start(offset)).await.map_err(gone)?;
    let mut data = Vec::new();
    file.take(bytes_max.into()).read_to_end(&mut data).await.map_err(gone)?;
    Ok((data, size))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[tokio::test]
    async fn any_piece_of_a_log_can_be_read_and_none_behind_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("build.log");
        std::fs::write(&log, "0123456789").unwrap();
        assert_eq!(read(&log, 3, 4).await.unwrap(), (b"3456".to_vec(), 10));
        assert_eq!(read(&log, 10, 4).await.unwrap(), (Vec::new(), 10));
        assert_eq!(read(&log, 11, 4).await.unwrap_err().code, Reason::InvalidRequest);
        assert_eq!(read(&dir.path().join("other"), 0, 4).await.unwrap_err().code, Reason::NotFound);
    }
}
