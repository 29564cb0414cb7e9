//! Chunks: only right ones go in, only right ones come out.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, future};
use rch_bundle::compress::compress;
use rch_schemas::Sha256;
use rch_schemas::document::RecipeChunk;
use rch_store::StoreError;
use rch_store::chunk::{GetChunkError, PutChunkError};
use rch_store::layout;

use crate::backend::Backend;
use crate::on_every_backend;

on_every_backend![
    a_chunk_comes_back_as_it_went,
    missing_chunks_are_named_once_and_sorted,
    a_body_that_is_not_the_chunk_is_refused_and_not_stored,
    a_missing_and_a_corrupt_chunk_are_told_apart_by_name,
    a_put_repairs_a_corrupt_chunk,
    many_writers_of_one_chunk_all_succeed,
    chunks_come_in_order_and_end_at_the_first_that_is_missing,
    an_object_larger_than_its_kind_is_not_read,
];

fn chunk_of(plain: &[u8]) -> RecipeChunk {
    RecipeChunk { sha256: Sha256::of(plain), size: u32::try_from(plain.len()).unwrap() }
}

fn frame_of(plain: &[u8]) -> Bytes {
    Bytes::from(compress(plain))
}

async fn a_chunk_comes_back_as_it_went(backend: Backend) {
    let store = &backend.store;
    for plain in [b"some source".to_vec(), vec![7; 2 * 1024 * 1024]] {
        store.put_chunk(Sha256::of(&plain), frame_of(&plain)).await.unwrap();
        assert_eq!(store.get_chunk(chunk_of(&plain)).await.unwrap(), plain);
        assert_eq!(store.chunk_frame(Sha256::of(&plain)).await.unwrap(), Some(frame_of(&plain)));
        assert_eq!(store.put_plain_chunk(plain.clone()).await.unwrap(), Sha256::of(&plain));
    }
    assert_eq!(store.chunk_frame(Sha256::of("nothing")).await.unwrap(), None);
}

async fn missing_chunks_are_named_once_and_sorted(backend: Backend) {
    let there = backend.store.put_plain_chunk(b"there".to_vec()).await.unwrap();
    let mut absent = [Sha256::of("a"), Sha256::of("b")];
    absent.sort();
    let asked = [absent[1], there, absent[0], absent[1]];
    assert_eq!(backend.store.missing_chunks(asked).await.unwrap(), absent);
}

async fn a_body_that_is_not_the_chunk_is_refused_and_not_stored(backend: Backend) {
    let sha256 = Sha256::of("right");
    let put = |body: Bytes| backend.store.put_chunk(sha256, body);
    assert!(matches!(put(frame_of(b"wrong")).await, Err(PutChunkError::Digest { found, .. }) if found == Sha256::of("wrong")));
    assert!(matches!(put(Bytes::from_static(b"right")).await, Err(PutChunkError::Frame { .. })));
    assert!(matches!(put(frame_of(&vec![0; 3_000_000])).await, Err(PutChunkError::Frame { .. })));
    assert_eq!(backend.store.missing_chunks([sha256]).await.unwrap(), [sha256]);
}

async fn a_missing_and_a_corrupt_chunk_are_told_apart_by_name(backend: Backend) {
    let chunk = chunk_of(b"source");
    let error = backend.store.get_chunk(chunk).await.unwrap_err();
    assert!(matches!(error, GetChunkError::Missing(sha256) if sha256 == chunk.sha256));
    assert_eq!(error.absent(), Some(chunk.sha256));
    for damaged in [Bytes::from_static(b"no frame"), frame_of(b"other source"), Bytes::new()] {
        backend.overwrite(&layout::chunk(&chunk.sha256), damaged).await;
        let error = backend.store.get_chunk(chunk).await.unwrap_err();
        assert!(matches!(error, GetChunkError::Corrupt { sha256, .. } if sha256 == chunk.sha256));
        assert_eq!(error.absent(), Some(chunk.sha256));
    }
    backend.overwrite(&layout::chunk(&chunk.sha256), frame_of(b"source")).await;
    let error = backend.store.get_chunk(RecipeChunk { size: 7, ..chunk }).await.unwrap_err();
    assert!(matches!(error, GetChunkError::Size { expected: 7, found: 6, .. }), "{error}");
    assert_eq!(error.absent(), None);
}

async fn a_put_repairs_a_corrupt_chunk(backend: Backend) {
    let chunk = chunk_of(b"source");
    for damaged in [Bytes::from_static(b"damaged"), frame_of(b"other"), Bytes::from(vec![0; 5_000_000])] {
        backend.overwrite(&layout::chunk(&chunk.sha256), damaged).await;
        backend.store.put_chunk(chunk.sha256, frame_of(b"source")).await.unwrap();
        assert_eq!(backend.store.get_chunk(chunk).await.unwrap(), b"source");
    }
}

async fn many_writers_of_one_chunk_all_succeed(backend: Backend) {
    let plain = vec![3; 300_000];
    let puts = (0..16).map(|_| backend.store.put_chunk(Sha256::of(&plain), frame_of(&plain)));
    for put in future::join_all(puts).await {
        put.unwrap();
    }
    assert_eq!(backend.store.get_chunk(chunk_of(&plain)).await.unwrap(), plain);
}

async fn chunks_come_in_order_and_end_at_the_first_that_is_missing(backend: Backend) {
    let plains: Vec<Vec<u8>> = (0..20).map(|n| vec![n; 10_000 + usize::from(n)]).collect();
    for plain in &plains {
        backend.store.put_plain_chunk(plain.clone()).await.unwrap();
    }
    let chunks: Vec<RecipeChunk> = plains.iter().map(|plain| chunk_of(plain)).collect();
    let all: Vec<Vec<u8>> = backend.store.get_chunks(chunks.clone()).try_collect().await.unwrap();
    assert_eq!(all, plains);

    backend.remove(&layout::chunk(&chunks[3].sha256)).await;
    let got: Vec<_> = backend.store.get_chunks(chunks).take(4).collect().await;
    assert!(got[..3].iter().all(Result::is_ok));
    assert!(matches!(got[3], Err(GetChunkError::Missing(_))));
}

async fn an_object_larger_than_its_kind_is_not_read(backend: Backend) {
    let key = layout::recipe(&Sha256::of("x"));
    backend.overwrite(&key, vec![0; 1_001]).await;
    let refused = backend.store.get(&key, 1_000).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { bytes: 1_001, bytes_max: 1_000, .. })));
    assert_eq!(backend.store.get(&key, 1_001).await.unwrap().unwrap().len(), 1_001);
}
