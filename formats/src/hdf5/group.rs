//! What lies in a group: a table of symbols, or links in its header.

use super::header::kind;
use super::{Budget, Fields, NOWHERE, Trouble, View};

/// How deep trees may be: a node has two children at least.
const DEEPEST: u8 = 32;

/// Where the names of a group's members stand, and the tree of their entries.
#[derive(Clone, Copy)]
pub(super) struct SymbolTable {
    tree: u64,
    heap: u64,
}

/// A link to an object of the same file.
pub(super) struct Link {
    pub(super) name: String,
    pub(super) object: u64,
}

/// Is shown each member of a group.
type Seen<'s> = &'s mut dyn FnMut(Link, &mut Budget) -> Result<(), Trouble>;

impl<'f> View<'f> {
    pub(super) fn symbol_table(&self, mut fields: Fields<'f>) -> Result<SymbolTable, Trouble> {
        Ok(SymbolTable { tree: fields.place()?, heap: fields.place()? })
    }

    /// Shows each member of a table to `see`.
    pub(super) fn symbols(&self, table: SymbolTable, budget: &mut Budget, see: Seen<'_>) -> Result<(), Trouble> {
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
        names: Fields<'f>,
        budget: &mut Budget,
        see: Seen<'_>,
    ) -> Result<(), Trouble> {
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

    fn leaf(&self, place: u64, names: Fields<'f>, budget: &mut Budget, see: Seen<'_>) -> Result<(), Trouble> {
        let mut fields = self.signed(place, 8, *b"SNOD")?;
        fields.take(2)?;
        let count = fields.count(2)?;
        // A name, an object, what is kept beside it.
        let entry = self.length + self.address + 24;
        budget.spend(8 + count * entry)?;
        let mut fields = self.part(place + 8, count * entry)?;
        for _ in 0..count {
            let start = usize::try_from(fields.len()?).ok();
            let object = fields.place()?;
            let is_soft = fields.number(4)? == 2;
            fields.take(20)?;
            let mut rest = names;
            start.and_then(|start| rest.take(start).ok()).ok_or("a name outside of its heap")?;
            if !is_soft {
                let name = rest.name(true)?;
                budget.spend(name.len())?;
                see(Link { name, object }, budget)?;
            }
        }
        Ok(())
    }

    /// The link in a message, where it leads to an object.
    pub(super) fn link(&self, mut fields: Fields<'f>) -> Result<Option<Link>, Trouble> {
        let (version, flags) = (fields.byte()?, fields.byte()?);
        if version != 1 {
            return Err(format!("a link of version {version}").into());
        }
        let is_hard = flags & 8 == 0 || fields.byte()? == 0;
        // The order of creation, and how the name is encoded.
        fields.take(if flags & 4 != 0 { 8 } else { 0 } + if flags & 0x10 != 0 { 1 } else { 0 })?;
        let len = fields.count(1 << (flags & 3))?;
        let name = fields.take(len)?.name(false)?;
        Ok(if is_hard { Some(Link { name, object: fields.place()? }) } else { None })
    }

    /// That no links lie in a heap of their own, by the message that would say where.
    pub(super) fn check_link_info(&self, mut fields: Fields<'f>) -> Result<(), Trouble> {
        fields.take(1)?;
        let flags = fields.byte()?;
        fields.take(if flags & 1 != 0 { 8 } else { 0 })?;
        if fields.place()? == NOWHERE {
            return Ok(());
        }
        Err("a group whose links lie in a heap, which is not read here: let h5py write it without `track_order` and `libver`"
            .into())
    }

    /// A node of a tree of the first version, whose keys have so many bytes.
    pub(super) fn node(
        &self,
        place: u64,
        kind: u8,
        expected: Option<u8>,
        key: usize,
        budget: &mut Budget,
    ) -> Result<Node<'f>, Trouble> {
        let before = 8 + 2 * self.address;
        let mut fields = self.signed(place, before, *b"TREE")?;
        let (found, level, count) = (fields.byte()?, fields.byte()?, fields.count(2)?);
        if found != kind || level > DEEPEST || expected.is_some_and(|expected| expected != level) {
            return Err(format!("a node of another tree at {place}").into());
        }
        let len = count * (key + self.address) + key;
        budget.spend(before + len)?;
        Ok(Node { level, count, entries: self.part(place + before as u64, len)? })
    }
}

/// Keys and children in turn.
pub(super) struct Node<'f> {
    pub(super) level: u8,
    pub(super) count: usize,
    pub(super) entries: Fields<'f>,
}

/// What the header of an object says that it is.
pub(super) fn is_member(message: u8) -> bool {
    [kind::LINK, kind::SYMBOL_TABLE, kind::LINK_INFO].contains(&message)
}
