//! The beginning of a file: how wide its addresses and lengths are, and where the root group lies.

use netwright_runtime::storage::Contents;

use super::{Trouble, View};

/// The longest beginning.
const LONGEST: u64 = 128;

/// What every file begins with.
pub(crate) const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

impl<'f> View<'f> {
    /// Reads the beginning of a file; with it comes the header of the root group.
    pub(crate) fn of(contents: &'f Contents) -> Result<(Self, u64), Trouble> {
        let mut view = Self { contents, address: 8, length: 8 };
        let len = contents.len().min(LONGEST) as usize;
        let mut fields = view.part(0, len)?;
        if !fields.skip_if(SIGNATURE)? {
            return Err("a file that begins otherwise".into());
        }
        let version = fields.byte()?;
        let skipped = match version {
            // Versions of other parts, then the sizes, then what leaves and nodes of groups hold.
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
        if fields.place()? != 0 {
            return Err("a file within another one".into());
        }
        // Free space or an extension, and where the file ends; in the older ones a driver's information, and the name of the root.
        fields.place()?;
        let end = fields.place()?;
        if end > contents.len() {
            return Err(format!("a file that ends early: {} of its {end} bytes are there", contents.len()).into());
        }
        if version < 2 {
            fields.place()?;
            fields.place()?;
        }
        Ok((view, fields.place()?))
    }
}
