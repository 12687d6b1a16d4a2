//! What the journal asks of a disk: one directory of files, and the two kinds of fsync.

use std::io;

/// One directory that belongs to one journal.
///
/// [`FsDisk`](crate::FsDisk) is the real one, [`SimDisk`](crate::sim::SimDisk) the one that forgets.
/// The contract is that of POSIX, no more: a write reaches the medium when
/// [`DiskFile::sync`] has returned, a file's *name* when [`Disk::sync_dir`] has; until then both
/// may survive a power failure wholly, partly or not at all, in any order.
pub trait Disk: Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;
    /// Holds the directory against other owners until it is dropped.
    type Lock: Send;

    /// Takes the directory for this owner, without waiting.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when somebody else holds it.
    fn lock(&self) -> io::Result<Self::Lock>;

    /// The names of all files, in any order.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates an empty file that must not exist yet, for reading and writing.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Takes a name out of the directory.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations and removals durable.
    ///
    /// # Errors
    /// As the operating system reports them. Nothing that was pending may be believed afterwards.
    fn sync_dir(&self) -> io::Result<()>;
}

/// One file of a [`Disk`].
pub trait DiskFile: Send + Sync + 'static {
    /// Length in bytes.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn size(&self) -> io::Result<u64>;

    /// Reads at an offset, perhaps less than asked for; 0 at the end.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at an offset, perhaps less than asked for.
    ///
    /// # Errors
    /// As the operating system reports them. Part of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts the file.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn set_size(&self, size: u64) -> io::Result<()>;

    /// Makes everything that was written before this call durable, the size included.
    ///
    /// # Errors
    /// As the operating system reports them. After an error the bytes that were pending may be
    /// gone, and a later success says nothing about them.
    fn sync(&self) -> io::Result<()>;
}

/// Writes all of `bytes`, going on after short and interrupted writes.
pub(crate) fn write_all_at(file: &impl DiskFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match file.write_at(&bytes[done..], offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Reads until `buf` is full or the file ends; returns how many bytes came.
pub(crate) fn read_full_at(file: &impl DiskFile, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// Whether an error says that there is no room, which passes, unlike all other write errors.
pub(crate) fn is_no_space(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
