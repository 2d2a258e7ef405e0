//! A folder that may belong to another user than ours, and files in it, by names that lead nowhere else.
//!
//! Root may run a command on the state folder of the service's user, who can plant links there. So everything is opened
//! relative to the folder without following links, looked at through what was opened, and given to the folder's user
//! only if it was made here.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

/// Files are nobody's but their owner's.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);
/// Never through a link, never waiting for the other end of a pipe.
const PLAIN: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
/// How often a file may vanish between two looks at it.
const TRIES: usize = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct Folder {
    folder: File,
    /// Whose the folder around it is.
    owner: (u32, u32),
}

impl Folder {
    /// The folder of that name in `parent`; none if there is none.
    pub(super) fn open(parent: &Path, name: &str) -> io::Result<Option<Self>> {
        let parent = match File::open(parent) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            parent => parent?,
        };
        let about = parent.metadata()?;
        match rustix::fs::openat(&parent, name, PLAIN | OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) {
            Ok(folder) => Ok(Some(Self { folder: folder.into(), owner: (about.uid(), about.gid()) })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The same, made if there is none.
    pub(super) fn make(parent: &Path, name: &str) -> io::Result<Self> {
        let made = match rustix::fs::mkdirat(File::open(parent)?, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error.into()),
        };
        let folder = Self::open(parent, name)?.ok_or(io::ErrorKind::NotFound)?;
        if made {
            folder.give(&folder.folder)?;
        }
        if !folder.may_own(folder.folder.metadata()?.uid()) {
            return Err(io::Error::other("it belongs to another user"));
        }
        Ok(folder)
    }

    /// A file to be read; none if there is none.
    pub(super) fn file(&self, name: &str) -> io::Result<Option<File>> {
        match self.opened(name, OFlags::RDONLY) {
            Ok(file) => Ok(Some(file.into())),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A file that was not there before, to be written.
    pub(super) fn fresh_file(&self, name: &str) -> io::Result<File> {
        let file = self.opened(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?.into();
        self.give(&file)?;
        Ok(file)
    }

    /// A file to be written, made if there is none. One that is there must be a plain one of a right owner.
    pub(super) fn own_file(&self, name: &str) -> io::Result<File> {
        for _ in 0..TRIES {
            match self.fresh_file(name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made,
            }
            match self.opened(name, OFlags::WRONLY) {
                Ok(file) => return self.checked(file.into()),
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::other("it comes and goes"))
    }

    /// Removes a file. Whether there was one.
    pub(super) fn remove(&self, name: &str) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.folder, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a file in the place of another.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.folder, from, &self.folder, to)?)
    }

    /// Which names there are is on the disk when this returns.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.folder.sync_all()
    }

    /// Whether what is here may belong to this user: to us, and if we are root, to whose folder it is.
    pub(super) fn may_own(&self, user: u32) -> bool {
        let us = super::us();
        user == us || us == 0 && user == self.owner.0
    }

    fn opened(&self, name: &str, how: OFlags) -> rustix::io::Result<OwnedFd> {
        rustix::fs::openat(&self.folder, name, PLAIN | how, PRIVATE)
    }

    fn checked(&self, file: File) -> io::Result<File> {
        let about = file.metadata()?;
        if about.is_file() && about.nlink() == 1 && self.may_own(about.uid()) {
            Ok(file)
        } else {
            Err(io::Error::other("it is no plain file of its owner with one name"))
        }
    }

    /// What root makes in another user's folder is that user's: the daemon must be able to read it. Only for what was
    /// just made.
    fn give(&self, made: &File) -> io::Result<()> {
        let (user, group) = self.owner;
        if super::us() != 0 || user == 0 {
            return Ok(());
        }
        Ok(rustix::fs::fchown(made, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?)
    }
}
