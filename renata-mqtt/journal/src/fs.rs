//! [`FsDisk`]: a directory of the file system.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::disk::{Disk, DiskFile};

/// A directory of the file system, for one journal.
///
/// Files are readable and writable by their owner alone (0600, a directory that we create 0700):
/// a journal holds what people sent. The lock is the operating system's lock on the file `lock`,
/// so it ends with its process, however that ends.
#[derive(Clone, Debug)]
pub struct FsDisk {
    dir: PathBuf,
}

impl FsDisk {
    /// Uses `dir`, and creates it durably when it is missing.
    ///
    /// # Errors
    /// When the directory can neither be found nor created.
    pub fn new(dir: impl AsRef<Path>) -> io::Result<Self> {
        let dir = dir.as_ref().to_path_buf();
        if !dir.is_dir() {
            // Only the parents that are missing need a sync: collect them, outermost last.
            let missing: Vec<&Path> = dir.ancestors().take_while(|p| !p.exists()).collect();
            DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
            for child in missing {
                let parent = child.parent().filter(|p| !p.as_os_str().is_empty());
                File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
            }
        }
        Ok(Self { dir })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.dir
    }
}

/// The held lock of an [`FsDisk`].
#[derive(Debug)]
pub struct FsLock {
    _file: File,
}

impl Disk for FsDisk {
    type File = File;
    type Lock = FsLock;

    fn lock(&self) -> io::Result<FsLock> {
        let file = options().create(true).open(self.dir.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(FsLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<File> {
        options().create_new(true).open(self.dir.join(name))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        options().open(self.dir.join(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.dir.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

impl DiskFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buf, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}
