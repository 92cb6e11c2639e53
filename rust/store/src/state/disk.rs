//! Files that are on the disk when a call returns.
//!
//! In: bytes. Out: a file that only its owner may read, synced, in a folder that is synced; its length and checksum.
//! A file is written once and never changed. One process writes at a time: the holder of the lock.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use creditcore::error::{Error, Place, Result};
use creditcore::exec::{Control, in_order};
use flate2::Crc;

use super::manifest::Named;
use super::segment::FileSum;

/// A fault of a file of the state.
pub(super) fn fault(path: &Path, text: impl Into<String>) -> Error {
    Error::state(Place::file(path.display().to_string()), text)
}

/// A file that cannot be opened or read.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => "the state is not whole: copy the file back from a backup",
        std::io::ErrorKind::PermissionDenied => "give this user the right to read it",
        _ => "see to the disk, then open the portfolio again",
    };
    fault(path, format!("the file cannot be read: {error}; {hint}"))
}

/// A file that cannot be written.
pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    let hint = match error.kind() {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => "make room on the disk; the portfolio is as it was before",
        std::io::ErrorKind::PermissionDenied => "give this user the right to write there",
        _ => "the portfolio is as it was before",
    };
    fault(path, format!("the file cannot be written: {error}; {hint}"))
}

/// Counts bytes and their checksum on the way to a file.
pub(super) struct Summed<W> {
    inner: W,
    crc: Crc,
    bytes: u64,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.crc.update(&bytes[..taken]);
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Writes a new file, and has it on the disk.
pub(super) fn write_file(
    path: &Path,
    write: impl FnOnce(&mut Summed<&mut File>) -> std::io::Result<()>,
) -> Result<FileSum> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| unwritable(path, &error))?;
    let mut summed = Summed { inner: &mut file, crc: Crc::new(), bytes: 0 };
    let written = write(&mut summed);
    let sum = FileSum { bytes: summed.bytes, crc: summed.crc.sum() };
    let synced = written.and_then(|()| file.sync_data()).and_then(|()| sync_folder(path.parent()));
    synced.map(|()| sum).map_err(|error| {
        // What was written so far is of no use; where it cannot be removed the next writer does it.
        let _ = std::fs::remove_file(path);
        unwritable(path, &error)
    })
}

/// Has a folder's list of files on the disk.
pub(super) fn sync_folder(folder: Option<&Path>) -> std::io::Result<()> {
    match folder {
        #[cfg(unix)]
        Some(folder) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Bytes of a file that a thread reads at a time.
const PIECE: u64 = 1 << 26;

/// The checksum of a file. It is read, not mapped: its pages are then those of the system and not of this process.
fn checksum(path: &Path, length: u64, threads: usize) -> Result<u32> {
    let piece = |at: usize| -> std::io::Result<Crc> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(at as u64 * PIECE))?;
        let (mut crc, mut part, mut file) = (Crc::new(), vec![0; 1 << 20], file.take(PIECE));
        loop {
            match file.read(&mut part)? {
                0 => return Ok(crc),
                length => crc.update(&part[..length]),
            }
        }
    };
    let pieces = length.div_ceil(PIECE) as usize;
    let pieces = in_order(threads, pieces, |at| piece(at).map_err(|error| unreadable(path, &error)))?;
    let mut whole = Crc::new();
    pieces.iter().for_each(|piece| whole.combine(piece));
    Ok(whole.sum())
}

/// Compares the length of a file and, where `threads` are given for that, its checksum.
pub(super) fn check(path: &Path, file: &File, wanted: FileSum, threads: Option<usize>) -> Result<()> {
    let damaged = "restore it from a backup, or run `creditcore doctor`";
    let length = file.metadata().map_err(|error| unreadable(path, &error))?.len();
    if length != wanted.bytes {
        let text = format!("the file has {length} bytes where it had {}; {damaged}", wanted.bytes);
        return Err(fault(path, text));
    }
    let Some(threads) = threads else { return Ok(()) };
    if checksum(path, length, threads)? != wanted.crc {
        return Err(fault(path, format!("the file is damaged (its checksum differs); {damaged}")));
    }
    Ok(())
}

/// Compares files beside the segments with what the catalog says of them: their lengths, and their `contents` too, which
/// threads share.
///
/// # Errors
/// `State`: a file that is not there, cannot be read, or is another one.
pub fn check_files(
    folder: &Path,
    files: &[Named],
    contents: bool,
    threads: usize,
    control: &Control,
) -> Result<()> {
    in_order(threads, files.len(), |at| {
        control.check()?;
        let path = folder.join(&files[at].file);
        let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
        check(&path, &file, files[at].sum, contents.then_some(1))
    })
    .map(|_| ())
}

/// The right to write to a portfolio; given back when it is dropped, also by the end of the process.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder.
    ///
    /// # Errors
    /// `State`: another one holds it, told by its process; or the file cannot be written.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join("lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(|error| unwritable(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let text = format!(
                    "the portfolio is being written to by process {}; close it there, or open it for reading here",
                    holder.trim()
                );
                return Err(fault(&path, text));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(unwritable(&path, &error)),
        }
        let noted = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(std::process::id().to_string().as_bytes()));
        noted.map_err(|error| unwritable(&path, &error))?;
        Ok(Self { _file: file })
    }
}
