//! What we need of a store, tried out before anything depends on it.
//!
//! | needed | why | without it |
//! | --- | --- | --- |
//! | an object that was put is read as it was, also in part | everything | not used |
//! | an upload that is given up leaves no object | a reader sees whole objects or none | not used |
//! | of many creates of one object one succeeds | saves writing again what is there | used, and said: what is created is named by its digest, so a second write writes the same |
//!
//! Nothing of ours is updated in place, and no lease, pointer or order is kept in the store: those are the ledger's.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future;
use object_store::{ObjectStoreExt as _, PutPayload};

use crate::layout::{self, Key};
use crate::store::{Created, Store, StoreError};

/// Creates of one object at once. Servers that only look before they write are found out by this many.
const RACERS: usize = 16;
/// What is put, and a part of it that is read. Not a multiple of anything, so that no server is right by accident.
const OBJECT_BYTES: usize = 1_003;
/// See [`OBJECT_BYTES`].
const RANGE: std::ops::Range<u64> = 17..911;

/// What a store makes of a create when something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creates {
    /// It refuses, so that one of many succeeds.
    Once,
    /// It ignores the condition: so many of sixteen succeeded.
    Again(usize),
}

/// Why a store is not used.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It does not answer, or not as asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It gives back other bytes than were put.
    #[error(
        "the store {store} cannot be used: {key} was put, and read {how} it has other bytes; see its documentation on consistency and ranges"
    )]
    Differs {
        /// The store.
        store: Arc<str>,
        /// The object.
        key: Key,
        /// As a whole, or in part.
        how: &'static str,
    },
    /// Nobody could create an object that was not there.
    #[error("the store {store} cannot be used: all of {RACERS} creates of {key} were refused, although nothing was there")]
    NoCreate {
        /// The store.
        store: Arc<str>,
        /// The object.
        key: Key,
    },
    /// It shows an upload that was given up.
    #[error("the store {store} cannot be used: the upload of {key} was given up, and the object is there")]
    Torn {
        /// The store.
        store: Arc<str>,
        /// The object.
        key: Key,
    },
}

impl ProbeError {
    /// Whether the same may succeed later without anybody changing anything: the store cannot be reached now, or is busy.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Store(StoreError::Timeout { .. }) => true,
            Self::Store(StoreError::Backend { failure, .. }) => failure.is_passing(),
            Self::Store(StoreError::TooLarge { .. }) | Self::Differs { .. } | Self::NoCreate { .. } | Self::Torn { .. } => false,
        }
    }
}

impl Store {
    /// Tries what is needed of a store, with objects under a number that nobody else uses. Takes a few requests; as long as the slowest of them.
    ///
    /// # Errors
    /// The store cannot be used, now or at all.
    pub async fn probe(&self, nonce: u128) -> Result<Creates, ProbeError> {
        self.try_reading(&layout::probe(nonce, "object")).await?;
        self.try_giving_up(&layout::probe(nonce, "upload")).await?;
        self.try_creating(&layout::probe(nonce, "race")).await
    }

    async fn try_reading(&self, key: &Key) -> Result<(), ProbeError> {
        let bytes: Bytes = (0..OBJECT_BYTES).map(|at| u8::try_from(at % 251).expect("a remainder of 251 is a byte")).collect();
        self.put(key, bytes.clone()).await?;
        let differs = |how| ProbeError::Differs { store: Arc::clone(&self.name), key: key.clone(), how };
        if self.get(key, OBJECT_BYTES as u64).await? != Some(bytes.clone()) {
            return Err(differs("as a whole"));
        }
        let part = self.within_limit("get a part of", key, self.objects.get_range(key.path(), RANGE)).await?;
        let expected = bytes.slice(usize_of(RANGE.start)..usize_of(RANGE.end));
        if part != Some(expected) {
            return Err(differs("in part"));
        }
        self.forget(key).await;
        Ok(())
    }

    async fn try_giving_up(&self, key: &Key) -> Result<(), ProbeError> {
        let upload = async {
            let mut upload = self.objects.put_multipart(key.path()).await?;
            upload.put_part(PutPayload::from_static(b"half of it")).await?;
            upload.abort().await
        };
        self.within_limit("give up an upload of", key, upload).await?.ok_or_else(|| self.gone("put", key))?;
        match self.size(key).await? {
            None => Ok(()),
            Some(_) => Err(ProbeError::Torn { store: Arc::clone(&self.name), key: key.clone() }),
        }
    }

    pub(crate) async fn try_creating(&self, key: &Key) -> Result<Creates, ProbeError> {
        let creates = (0..RACERS).map(|racer| self.create(key, Bytes::from(racer.to_string())));
        let mut winners = 0;
        for created in future::join_all(creates).await {
            winners += usize::from(created? == Created::New);
        }
        self.forget(key).await;
        match winners {
            0 => Err(ProbeError::NoCreate { store: Arc::clone(&self.name), key: key.clone() }),
            1 => Ok(Creates::Once),
            more => Ok(Creates::Again(more)),
        }
    }

    /// Removes what was tried with. Agents need no right to remove anything, so a refusal is no failure.
    async fn forget(&self, key: &Key) {
        if let Err(error) = self.within_limit("remove", key, self.objects.delete(key.path())).await {
            tracing::debug!(%error, "what the store was tried with stays");
        }
    }

    /// For people: the directory, or bucket and server.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn usize_of(at: u64) -> usize {
    usize::try_from(at).expect("an offset within the object")
}
