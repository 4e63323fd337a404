//! What the store promises: whole or not at all, once by digest, nothing left by a crash.

use futures_util::TryStreamExt as _;
use tempfile::TempDir;

use super::*;

fn store() -> (TempDir, BlobStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::open(dir.path()).unwrap();
    (dir, store)
}

fn leftovers(dir: &TempDir) -> usize {
    fs::read_dir(dir.path().join("uploads")).unwrap().count()
}

async fn content(store: &BlobStore, digest: Digest, range: std::ops::Range<u64>) -> Vec<u8> {
    let reader = store.read(digest).await.unwrap().unwrap();
    let mut read = Vec::new();
    let mut chunks = Box::pin(reader.stream(range));
    // One after the other, so that a chunk comes in the memory of the one before.
    while let Some(chunk) = chunks.try_next().await.unwrap() {
        read.extend_from_slice(&chunk);
    }
    read
}

/// Makes the next read wait for the disk, where there is one.
fn forget_cached(store: &BlobStore, digest: Digest) {
    let file = File::open(store.path(digest)).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

#[tokio::test]
async fn stores_once_and_reads_ranges() {
    let (dir, store) = store();
    let text: Vec<u8> = (0..700_000u32).map(|n| (n % 251) as u8).collect();
    let digest = store.put(text.clone().into()).await.unwrap();
    assert_eq!(store.put(text.clone().into()).await.unwrap(), digest);
    assert_eq!(store.size(digest).await.unwrap(), Some(700_000));
    for (start, end) in [(0, 700_000), (0, 0), (5, 6), (262_143, 262_145), (699_999, 700_000)] {
        let expected = &text[start as usize..end as usize];
        assert_eq!(content(&store, digest, start..end).await, expected, "{start}..{end}");
        forget_cached(&store, digest);
        assert_eq!(content(&store, digest, start..end).await, expected, "{start}..{end} from the disk");
    }
    assert_eq!(store.list().await.unwrap().len(), 1);
    assert_eq!(leftovers(&dir), 0);
}

#[tokio::test]
async fn a_wrong_digest_leaves_nothing() {
    let (dir, store) = store();
    let upload = store.begin().await.unwrap().append(vec![Bytes::from_static(b"lie")]).await.unwrap();
    let error = upload.finish(Digest::of(b"truth")).await.unwrap_err();
    assert!(matches!(error, BlobError::DigestMismatch { .. }), "{error}");
    assert_eq!((leftovers(&dir), store.list().await.unwrap().len()), (0, 0));
}

#[tokio::test]
async fn an_unfinished_upload_is_invisible_and_cleaned() {
    let (dir, store) = store();
    let upload = store.begin().await.unwrap().append(vec![Bytes::from_static(b"half")]).await.unwrap();
    assert_eq!(store.size(Digest::of(b"half")).await.unwrap(), None);
    assert_eq!(leftovers(&dir), 1);
    drop(upload);
    assert_eq!(leftovers(&dir), 0);
}

#[tokio::test]
async fn opening_removes_what_a_crash_left_and_keeps_blobs() {
    let dir = tempfile::tempdir().unwrap();
    let first = BlobStore::open(dir.path()).unwrap();
    let digest = first.put(Bytes::from_static(b"kept")).await.unwrap();
    drop(first);
    fs::write(dir.path().join("uploads/crashed"), b"half").unwrap();
    let second = BlobStore::open(dir.path()).unwrap();
    assert_eq!(leftovers(&dir), 0);
    assert_eq!(content(&second, digest, 0..4).await, b"kept");
}

#[tokio::test]
async fn a_directory_has_one_owner() {
    let (dir, _store) = store();
    assert!(matches!(BlobStore::open(dir.path()), Err(BlobError::InUse(_))));
}

#[tokio::test]
async fn rolling_back_restores_the_digest() {
    let (_dir, store) = store();
    let upload = store.begin().await.unwrap().append(vec![Bytes::from_static(b"ab")]).await.unwrap();
    let checkpoint = upload.checkpoint();
    let upload = upload.append(vec![Bytes::from_static(b"XYZ")]).await.unwrap();
    let upload =
        upload.roll_back(checkpoint).await.unwrap().append(vec![Bytes::from_static(b"c")]).await.unwrap();
    let digest = Digest::of(b"abc");
    assert_eq!(upload.finish(digest).await.unwrap(), 3);
    assert_eq!(content(&store, digest, 0..3).await, b"abc");
}

#[tokio::test]
async fn removal_does_not_disturb_a_reader() {
    let (_dir, store) = store();
    let digest = store.put(Bytes::from_static(b"gone")).await.unwrap();
    let reader = store.read(digest).await.unwrap().unwrap();
    assert_eq!(store.remove(digest).await.unwrap(), 4);
    assert_eq!(store.remove(digest).await.unwrap(), 0);
    assert_eq!(reader.bytes().await.unwrap(), "gone");
    assert!(store.read(digest).await.unwrap().is_none());
}

#[tokio::test]
async fn a_growing_blob_is_read_as_it_comes_and_is_whole_only_when_it_is_right() {
    let (_dir, store) = store();
    let mut upload = store.begin().await.unwrap();
    let growing = upload.share(6).unwrap();
    let mut early = Box::pin(growing.clone().stream());
    let upload = upload.append(vec![Bytes::from_static(b"abc")]).await.unwrap();
    assert_eq!(early.try_next().await.unwrap().unwrap(), "abc");
    let upload = upload.append(vec![Bytes::from_static(b"def")]).await.unwrap();
    assert_eq!(early.try_next().await.unwrap().unwrap(), "de", "the last byte waits for the digest");
    upload.finish(Digest::of(b"abcdef")).await.unwrap();
    assert_eq!(early.try_next().await.unwrap().unwrap(), "f");
    assert!(early.try_next().await.unwrap().is_none());
    growing.clone().whole().await.unwrap();
    assert_eq!(growing.stream().try_collect::<Vec<Bytes>>().await.unwrap().concat(), b"abcdef");
}

#[tokio::test]
async fn a_growing_blob_of_another_digest_never_ends_well() {
    let (_dir, store) = store();
    let mut upload = store.begin().await.unwrap();
    let growing = upload.share(3).unwrap();
    let upload = upload.append(vec![Bytes::from_static(b"lie")]).await.unwrap();
    upload.finish(Digest::of(b"tru")).await.unwrap_err();
    let mut read = Box::pin(growing.clone().stream());
    assert_eq!(read.try_next().await.unwrap().unwrap(), "li");
    assert_eq!(read.try_next().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert!(growing.whole().await.is_err());
}
