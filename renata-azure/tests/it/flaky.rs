//! A store that fails or dies at a chosen call.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_core::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails, and nothing was done.
    FailBefore,
    /// It fails, although it was done.
    FailAfter,
    /// The process dies before it is done.
    DieBefore,
    /// The process dies after it was done.
    DieAfter,
    /// The process dies and leaves half a data file under its final name, as a disk may.
    DieTorn,
}

impl Fault {
    pub(crate) const ALL: [Self; 5] = [
        Self::FailBefore,
        Self::FailAfter,
        Self::DieBefore,
        Self::DieAfter,
        Self::DieTorn,
    ];
}

#[derive(Debug)]
pub(crate) struct Flaky {
    inner: LocalFileSystem,
    at: usize,
    fault: Fault,
    calls: AtomicUsize,
    pub(crate) dead: AtomicBool,
}

impl Flaky {
    pub(crate) fn new(dir: &std::path::Path, at: usize, fault: Fault) -> Arc<Self> {
        std::fs::create_dir_all(dir).unwrap();
        Arc::new(Self {
            inner: LocalFileSystem::new_with_prefix(dir).unwrap(),
            at,
            fault,
            calls: AtomicUsize::new(0),
            dead: AtomicBool::new(false),
        })
    }

    /// Whether the chosen call was reached.
    pub(crate) fn was_reached(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > self.at
    }

    fn fault(&self) -> Result<Option<Fault>> {
        if self.dead.load(Ordering::SeqCst) {
            return Err(broken());
        }
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        Ok((call == self.at).then_some(self.fault))
    }

    fn die(&self) -> Error {
        self.dead.store(true, Ordering::SeqCst);
        broken()
    }
}

fn broken() -> Error {
    Error::Generic {
        store: "flaky",
        source: "broken on purpose".into(),
    }
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flaky")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Flaky {
    async fn put_opts(&self, at: &Path, body: PutPayload, how: PutOptions) -> Result<PutResult> {
        match self.fault()? {
            None => self.inner.put_opts(at, body, how).await,
            Some(Fault::FailBefore) => Err(broken()),
            Some(Fault::DieBefore) => {
                if !at.as_ref().contains("_delta_log") {
                    // The store writes under another name first, and that is what is left.
                    let path = self.inner.path_to_filesystem(at)?;
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    let mut leftover = path.into_os_string();
                    leftover.push("#1");
                    std::fs::write(leftover, b"PAR1").unwrap();
                }
                Err(self.die())
            }
            Some(Fault::FailAfter) => {
                self.inner.put_opts(at, body, how).await?;
                Err(broken())
            }
            Some(Fault::DieAfter) => {
                self.inner.put_opts(at, body, how).await?;
                Err(self.die())
            }
            Some(Fault::DieTorn) => {
                if !at.as_ref().contains("_delta_log") {
                    let whole: Vec<u8> = body.iter().flatten().copied().collect();
                    let half = whole[..whole.len() / 2].to_vec();
                    self.inner.put(at, half.into()).await?;
                }
                Err(self.die())
            }
        }
    }

    async fn get_opts(&self, at: &Path, how: GetOptions) -> Result<GetResult> {
        match self.fault()? {
            None => self.inner.get_opts(at, how).await,
            Some(Fault::FailBefore | Fault::FailAfter) => Err(broken()),
            Some(_) => Err(self.die()),
        }
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, how).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<bytes::Bytes>> {
        self.inner.get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        at: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(at)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, how).await
    }
}
