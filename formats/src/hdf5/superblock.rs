//! The superblock of a file: the sizes of its addresses and lengths, and the address of the root group.

use netwright_runtime::storage::Contents;

use super::{ReadError, View};

/// The largest length of a superblock.
const MAX_LEN: u64 = 128;

/// The signature at the beginning of every file.
pub(crate) const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

impl<'f> View<'f> {
    /// Reads the superblock, and returns the view of the file with the address of the root group's header.
    pub(crate) fn of(contents: &'f Contents) -> Result<(Self, u64), ReadError> {
        let mut view = Self { contents, address: 8, length: 8 };
        let len = contents.len().min(MAX_LEN) as usize;
        let mut fields = view.part(0, len)?;
        if !fields.skip_if(SIGNATURE)? {
            return Err("a file that begins otherwise".into());
        }
        let version = fields.byte()?;
        let skipped = match version {
            // Versions of other parts; after the sizes, the numbers of entries in leaves and nodes of groups.
            0 | 1 => 4,
            2 | 3 => 0,
            _ => return Err(format!("a superblock of version {version}").into()),
        };
        fields.take(skipped)?;
        (view.address, view.length) = (fields.byte()?.into(), fields.byte()?.into());
        if ![2, 4, 8].contains(&view.address) || ![2, 4, 8].contains(&view.length) {
            return Err(format!("addresses of {} bytes and lengths of {}", view.address, view.length).into());
        }
        fields.view = view;
        fields.take(match version {
            0 => 1 + 4 + 4,
            1 => 1 + 4 + 4 + 4,
            _ => 1,
        })?;
        if fields.address()? != 0 {
            return Err("a file within another one".into());
        }
        // Free space or an extension, and the end of the file; in older versions also driver information, and the name of the root.
        fields.address()?;
        let end = fields.address()?;
        if end > contents.len() {
            return Err(format!("a file that ends early: {} of its {end} bytes are there", contents.len()).into());
        }
        if version < 2 {
            fields.address()?;
            fields.address()?;
        }
        Ok((view, fields.address()?))
    }
}
