//! Files that a store cannot use.

use std::path::Path;

use provider::ProviderError;
use provider::limits::EMBEDDED_KEYS_DEFAULT;

use crate::client::{chain, increment, open, try_open};

fn refused(folder: &Path) -> String {
    let error = try_open("keyvalue/embedded", &[], folder).map(drop).unwrap_err();
    chain(&error).replace(&folder.display().to_string(), "FOLDER")
}

#[tokio::test]
async fn a_file_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let _store = open("keyvalue/embedded", &[], folder.path());
    assert_eq!(
        refused(folder.path()),
        "provider `kv` cannot open FOLDER/kv.redb: another process has it open; stop that process, or give this one \
         a data folder of its own"
    );
}

/// A store with enough in it to have inner pages.
async fn filled(folder: &Path) -> Vec<u8> {
    let store = open("keyvalue/embedded", &[], folder);
    let count = async |number: i32| increment(&*store, &number.to_string(), 1).await.unwrap().unwrap();
    futures_util::future::join_all((0..2_000).map(count)).await;
    store.drain().await;
    std::fs::read(folder.join("kv.redb")).unwrap()
}

#[tokio::test]
async fn a_damaged_file_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let good = filled(folder.path()).await;
    let file = folder.path().join("kv.redb");
    let check = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        let text = refused(folder.path());
        assert!(text.starts_with("provider `kv` cannot read FOLDER/kv.redb: it is damaged or no store ("), "{text}");
        assert!(text.contains("bring it back from a backup, or move it away"), "{text}");
    };
    check(b"not a database at all, but long enough to have a header of its own, if it were one");
    check(&good[..good.len() / 2]);
    let mut header = good.clone();
    header[..64].fill(0xa5);
    check(&header);
    let mut pages = good;
    // Pages that are no longer used may hold it as well.
    let starts: Vec<_> = (0..pages.len()).filter(|start| pages[*start..].starts_with(b"1234")).collect();
    assert!(!starts.is_empty());
    starts.into_iter().for_each(|start| pages[start] = b'9');
    check(&pages);
}

#[tokio::test]
async fn an_undamaged_copy_opens() {
    let folder = tempfile::tempdir().unwrap();
    let good = filled(folder.path()).await;
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("kv.redb"), good).unwrap();
    let store = open("keyvalue/embedded", &[], other.path());
    assert_eq!(increment(&*store, "1234", 1).await, Ok(Ok(2)));
}

#[test]
fn a_newer_format_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kv.redb");
    let database = redb::Database::create(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    let facts: redb::TableDefinition<'_, &str, u32> = redb::TableDefinition::new("lath");
    transaction.open_table(facts).unwrap().insert("format", 3).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert_eq!(
        refused(folder.path()),
        "provider `kv` cannot read FOLDER/kv.redb: it has format 3, this version reads format 2; use the version that \
         wrote it"
    );
}

#[test]
fn a_folder_that_is_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("data");
    std::fs::write(&taken, "").unwrap();
    let error = try_open("keyvalue/embedded", &[], &taken).map(drop).unwrap_err();
    assert!(matches!(&error, ProviderError::Folder { folder, .. } if *folder == taken), "{error}");
}

#[tokio::test]
async fn a_store_is_bounded_without_configuration() {
    let folder = tempfile::tempdir().unwrap();
    open("keyvalue/embedded", &[], folder.path()).drain().await;
    // Filled behind the store's back, to be quick.
    let database = redb::Database::open(folder.path().join("kv.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let values: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("values");
    let mut table = transaction.open_table(values).unwrap();
    for number in 0..EMBEDDED_KEYS_DEFAULT {
        table.insert(format!("\0{number:07}").as_str(), &b"1"[..]).unwrap();
    }
    drop(table);
    transaction.commit().unwrap();
    drop(database);
    let store = open("keyvalue/embedded", &[], folder.path());
    let refused = increment(&*store, "one more", 1).await.unwrap().unwrap_err();
    assert!(refused.to_string().starts_with("host-error: the store is full: it holds 1000000 keys"), "{refused}");
    assert_eq!(increment(&*store, "0000000", 1).await, Ok(Ok(2)));
}

#[tokio::test]
async fn counters_of_the_first_format_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let database = redb::Database::create(folder.path().join("kv.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let facts: redb::TableDefinition<'_, &str, u32> = redb::TableDefinition::new("lath");
    let counters: redb::TableDefinition<'_, &str, i32> = redb::TableDefinition::new("counters");
    transaction.open_table(facts).unwrap().insert("format", 1).unwrap();
    for (key, number) in [("", 1), ("a", -5), ("☃", i32::MAX)] {
        transaction.open_table(counters).unwrap().insert(key, number).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    for _ in 0..2 {
        let store = open("keyvalue/embedded", &[], folder.path());
        for (key, number) in [("", 1), ("a", -5), ("☃", i32::MAX)] {
            assert_eq!(increment(&*store, key, 0).await, Ok(Ok(number)), "{key:?}");
        }
        store.drain().await;
    }
}
