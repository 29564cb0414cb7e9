//! Single objects: what every backend must do before anything is built on it.

use bytes::Bytes;
use futures_util::future;
use rch_schemas::Sha256;
use rch_store::{Created, Creates, Store, layout};

use crate::backend::Backend;
use crate::on_every_backend;

on_every_backend![
    a_store_that_is_tried_out_has_what_is_needed_and_is_left_as_it_was,
    of_many_creates_one_succeeds_and_its_bytes_stay,
    a_put_takes_the_place_of_what_was_there_and_nothing_is_nothing,
    an_empty_object_and_the_largest_one_come_back,
];

fn key(name: &str) -> layout::Key {
    layout::recipe(&Sha256::of(name))
}

async fn a_store_that_is_tried_out_has_what_is_needed_and_is_left_as_it_was(backend: Backend) {
    let probes = future::join_all((1..=3).map(|nonce| backend.store.probe(nonce))).await;
    for creates in probes {
        assert_eq!(creates.unwrap(), Creates::Once);
    }
    assert_eq!(backend.keys().await, Vec::<String>::new());
}

async fn of_many_creates_one_succeeds_and_its_bytes_stay(backend: Backend) {
    // Rounds, since a race is lost now and then only.
    for round in 0..8 {
        let key = key(&format!("race {round}"));
        let create = |racer: usize| {
            let (store, key): (Store, _) = (backend.store.clone(), key.clone());
            async move { (racer, store.create(&key, Bytes::from(format!("by {racer}"))).await.unwrap()) }
        };
        let created = future::join_all((0..16).map(create)).await;
        let winners: Vec<usize> = created.iter().filter(|(_, created)| *created == Created::New).map(|(racer, _)| *racer).collect();
        assert_eq!(winners.len(), 1, "{created:?}");
        assert_eq!(backend.bytes(&key).await, format!("by {}", winners[0]));
    }
}

async fn a_put_takes_the_place_of_what_was_there_and_nothing_is_nothing(backend: Backend) {
    let (store, key) = (&backend.store, key("x"));
    assert_eq!((store.get(&key, 9).await.unwrap(), store.size(&key).await.unwrap()), (None, None));
    for bytes in ["first", "second"] {
        store.put(&key, Bytes::from_static(bytes.as_bytes())).await.unwrap();
        assert_eq!(store.get(&key, 9).await.unwrap().unwrap(), bytes);
        assert_eq!(store.size(&key).await.unwrap(), Some(bytes.len() as u64));
    }
}

async fn an_empty_object_and_the_largest_one_come_back(backend: Backend) {
    for bytes in [Bytes::new(), Bytes::from(vec![7; 16 * 1024 * 1024])] {
        let key = key(&bytes.len().to_string());
        backend.store.put(&key, bytes.clone()).await.unwrap();
        assert_eq!(backend.store.get(&key, bytes.len() as u64).await.unwrap().unwrap(), bytes);
    }
}
