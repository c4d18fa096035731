//! The beginning of a file: how wide its addresses and lengths are, and where the root group lies.

use super::View;

/// What every file begins with.
pub(crate) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

impl<'f> View<'f> {
    /// Reads the beginning of a file; with it comes the header of the root group.
    pub(crate) fn of(bytes: &'f [u8]) -> Result<(Self, u64), String> {
        let rest = bytes.strip_prefix(SIGNATURE).ok_or("a file that begins otherwise")?;
        let mut view = Self { bytes, address: 8, length: 8 };
        let mut fields = view.fields(rest);
        let version = fields.byte()?;
        let skipped = match version {
            // Versions of other parts, then the sizes, then what leaves and nodes of groups hold.
            0 | 1 => 4,
            2 | 3 => 0,
            _ => return Err(format!("a superblock of version {version}")),
        };
        fields.take(skipped)?;
        (view.address, view.length) = (fields.byte()?.into(), fields.byte()?.into());
        if ![2, 4, 8].contains(&view.address) || ![2, 4, 8].contains(&view.length) {
            return Err(format!("addresses of {} bytes and lengths of {}", view.address, view.length));
        }
        (fields.address, fields.length) = (view.address, view.length);
        fields.take(match version {
            0 => 1 + 4 + 4,
            1 => 1 + 4 + 4 + 4,
            _ => 1,
        })?;
        if fields.place()? != 0 {
            return Err("a file within another one".to_owned());
        }
        // Free space or an extension, and where the file ends; in the older ones a driver's information, and the name of the root.
        fields.place()?;
        let end = fields.place()?;
        if end > bytes.len() as u64 {
            return Err(format!("a file that ends early: {} of its {end} bytes are there", bytes.len()));
        }
        if version < 2 {
            fields.place()?;
            fields.place()?;
        }
        Ok((view, fields.place()?))
    }
}
