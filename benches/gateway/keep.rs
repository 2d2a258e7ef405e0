//! A file that keeps what it is given: appended by one thread, one fdatasync for all that waits, answered after it.
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// Room that is written with zeros before the start, so that a commit writes data and no new file size.
const PREPARED: usize = 128 << 20;
const AT_ONCE: usize = 1024;

struct Entry {
    bytes: Bytes,
    kept: oneshot::Sender<()>,
}

pub(crate) struct Keep {
    entries: mpsc::Sender<Entry>,
}

impl Keep {
    pub(crate) fn create(path: &Path) -> Self {
        let mut file = File::create(path).expect("the bench's folder can be written");
        let zeros = vec![0; 1 << 20];
        for _ in 0..PREPARED / zeros.len() {
            file.write_all(&zeros).expect("room on the disk");
        }
        file.sync_all().expect("it can be synced");
        file.seek(SeekFrom::Start(0)).expect("a file of ours");
        let (entries, waiting) = mpsc::channel(AT_ONCE);
        std::thread::spawn(move || write(file, waiting));
        Self { entries }
    }

    /// Returns when the bytes are on the disk.
    pub(crate) async fn keep(&self, bytes: Bytes) -> Result<(), ()> {
        let (kept, done) = oneshot::channel();
        self.entries.send(Entry { bytes, kept }).await.map_err(drop)?;
        done.await.map_err(drop)
    }
}

fn write(mut file: File, mut waiting: mpsc::Receiver<Entry>) {
    let mut batch = Vec::with_capacity(AT_ONCE);
    let mut bytes = Vec::new();
    while waiting.blocking_recv_many(&mut batch, AT_ONCE) > 0 {
        bytes.clear();
        for entry in &batch {
            bytes.extend_from_slice(&(entry.bytes.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&entry.bytes);
        }
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            return; // what waits is answered by the end of its channel
        }
        for entry in batch.drain(..) {
            let _ = entry.kept.send(());
        }
    }
}
