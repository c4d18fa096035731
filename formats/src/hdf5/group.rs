//! What lies in a group: a table of symbols, or links in its header.

use super::header::kind;
use super::{Budget, NOWHERE, View};

/// How deep trees may be: a node has two children at least.
const DEEPEST: u8 = 32;

/// Where the names of a group's members stand, and the tree of their entries.
#[derive(Clone, Copy)]
pub(super) struct SymbolTable {
    tree: u64,
    heap: u64,
}

/// A link to an object of the same file.
pub(super) struct Link<'f> {
    pub(super) name: &'f str,
    pub(super) object: u64,
}

/// Is shown each member of a group.
type Seen<'s, 'f> = &'s mut dyn FnMut(Link<'f>, &mut Budget) -> Result<(), String>;

impl<'f> View<'f> {
    pub(super) fn symbol_table(&self, body: &'f [u8]) -> Result<SymbolTable, String> {
        let mut fields = self.fields(body);
        Ok(SymbolTable { tree: fields.place()?, heap: fields.place()? })
    }

    /// Shows each member of a table to `see`.
    pub(super) fn symbols(&self, table: SymbolTable, budget: &mut Budget, see: Seen<'_, 'f>) -> Result<(), String> {
        let mut heap = self.signed(table.heap, 8 + 2 * self.length + self.address, *b"HEAP")?;
        heap.take(4)?;
        let len = usize::try_from(heap.len()?).map_err(|_| "a size that overflows")?;
        heap.len()?;
        let names = self.part(heap.place()?, len)?;
        self.symbols_below(table.tree, None, names, budget, see)
    }

    fn symbols_below(
        &self,
        place: u64,
        expected: Option<u8>,
        names: &'f [u8],
        budget: &mut Budget,
        see: Seen<'_, 'f>,
    ) -> Result<(), String> {
        let node = self.node(place, 0, expected, self.length, budget)?;
        let mut fields = node.entries;
        for _ in 0..node.count {
            fields.take(self.length)?;
            let child = fields.place()?;
            if let Some(below) = node.level.checked_sub(1) {
                self.symbols_below(child, Some(below), names, budget, see)?;
            } else {
                self.leaf(child, names, budget, see)?;
            }
        }
        Ok(())
    }

    fn leaf(&self, place: u64, names: &'f [u8], budget: &mut Budget, see: Seen<'_, 'f>) -> Result<(), String> {
        let mut fields = self.signed(place, 8, *b"SNOD")?;
        fields.take(2)?;
        let count = fields.count(2)?;
        // A name, an object, what is kept beside it.
        let entry = self.length + self.address + 24;
        budget.spend(8 + count * entry)?;
        let mut fields = self.fields(self.part(place + 8, count * entry)?);
        for _ in 0..count {
            let start = usize::try_from(fields.len()?).ok();
            let object = fields.place()?;
            let is_soft = fields.number(4)? == 2;
            fields.take(20)?;
            let name = start.and_then(|start| names.get(start..)).ok_or("a name outside of its heap")?;
            let end = name.iter().position(|&byte| byte == 0).ok_or("a name without an end")?;
            if !is_soft {
                see(Link { name: text(&name[..end])?, object }, budget)?;
            }
        }
        Ok(())
    }

    /// The link in a message, where it leads to an object.
    pub(super) fn link(&self, body: &'f [u8]) -> Result<Option<Link<'f>>, String> {
        let mut fields = self.fields(body);
        let (version, flags) = (fields.byte()?, fields.byte()?);
        if version != 1 {
            return Err(format!("a link of version {version}"));
        }
        let is_hard = flags & 8 == 0 || fields.byte()? == 0;
        // The order of creation, and how the name is encoded.
        fields.take(if flags & 4 != 0 { 8 } else { 0 } + if flags & 0x10 != 0 { 1 } else { 0 })?;
        let len = fields.count(1 << (flags & 3))?;
        let name = text(fields.take(len)?)?;
        Ok(if is_hard { Some(Link { name, object: fields.place()? }) } else { None })
    }

    /// That no links lie in a heap of their own, by the message that would say where.
    pub(super) fn check_link_info(&self, body: &'f [u8]) -> Result<(), String> {
        let mut fields = self.fields(body);
        let flags = fields.take(2)?[1];
        fields.take(if flags & 1 != 0 { 8 } else { 0 })?;
        if fields.place()? == NOWHERE {
            return Ok(());
        }
        Err("a group whose links lie in a heap, which is not read here: let h5py write it without `track_order` and `libver`"
            .to_owned())
    }

    /// A node of a tree of the first version, whose keys have so many bytes.
    pub(super) fn node(
        &self,
        place: u64,
        kind: u8,
        expected: Option<u8>,
        key: usize,
        budget: &mut Budget,
    ) -> Result<Node<'f>, String> {
        let before = 8 + 2 * self.address;
        let mut fields = self.signed(place, before, *b"TREE")?;
        let (found, level, count) = (fields.byte()?, fields.byte()?, fields.count(2)?);
        if found != kind || level > DEEPEST || expected.is_some_and(|expected| expected != level) {
            return Err(format!("a node of another tree at {place}"));
        }
        let len = count * (key + self.address) + key;
        budget.spend(before + len)?;
        Ok(Node { level, count, entries: self.fields(self.part(place + before as u64, len)?) })
    }
}

/// Keys and children in turn.
pub(super) struct Node<'f> {
    pub(super) level: u8,
    pub(super) count: usize,
    pub(super) entries: super::Fields<'f>,
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a name that is no text".to_owned())
}

/// What the header of an object says that it is.
pub(super) fn is_member(message: u8) -> bool {
    [kind::LINK, kind::SYMBOL_TABLE, kind::LINK_INFO].contains(&message)
}
