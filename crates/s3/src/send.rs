//! An object on its way out: a range of it, read and decrypted on a thread that may block.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use landfall_services::pipe::Installation;
use landfall_services::s3::files::DataKey;
use landfall_services::s3::record::Piece;
use s3s::dto::StreamingBlob;
use tokio::sync::mpsc;

/// The bytes from `first` on, `length` of them.
pub(crate) fn send(
    installation: Arc<Installation>,
    key: DataKey,
    pieces: Vec<Piece>,
    first: u64,
    length: u64,
) -> StreamingBlob {
    let (sender, receiver) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(&installation, &key, &pieces, first, length, &sender) {
            tracing::error!(%error, "an object cannot be read");
            // The client's connection is cut, so that it does not take a part for the whole.
            let _ = sender.blocking_send(Err(error));
        }
    });
    StreamingBlob::wrap(futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|item| (item, receiver))
    }))
}

fn read(
    installation: &Installation,
    key: &DataKey,
    pieces: &[Piece],
    first: u64,
    length: u64,
    sender: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let (mut at, end, mut begin) = (first, first + length, 0);
    for piece in pieces {
        let behind = begin + piece.size;
        if at < behind && at < end {
            let reader = installation.objects.read(key, piece)?;
            while at < behind.min(end) {
                let mut bytes = Bytes::from(reader.chunk_at(at - begin)?);
                let wanted = usize::try_from(end - at).unwrap_or(usize::MAX);
                bytes.truncate(wanted);
                at += bytes.len() as u64;
                if sender.blocking_send(Ok(bytes)).is_err() {
                    return Ok(());
                }
            }
        }
        begin = behind;
    }
    Ok(())
}
