//! The members of a group: a symbol table, or links in its header.

use super::header::kind;
use super::{Budget, Fields, ReadError, UNDEFINED, View};

/// The largest depth of a tree, whose nodes have at least two children.
const MAX_DEPTH: u8 = 32;

/// The addresses of a group's symbols: the tree of its entries, and the heap of its members' names.
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

/// Called with each member of a group.
type Callback<'s> = &'s mut dyn FnMut(Link, &mut Budget) -> Result<(), ReadError>;

impl<'f> View<'f> {
    pub(super) fn symbol_table(&self, mut fields: Fields<'f>) -> Result<SymbolTable, ReadError> {
        Ok(SymbolTable { tree: fields.address()?, heap: fields.address()? })
    }

    /// Calls `visit` for each member of a symbol table.
    pub(super) fn symbols(
        &self,
        table: SymbolTable,
        budget: &mut Budget,
        visit: Callback<'_>,
    ) -> Result<(), ReadError> {
        let mut heap = self.signed(table.heap, 8 + 2 * self.length + self.address, *b"HEAP")?;
        heap.take(4)?;
        let len = usize::try_from(heap.len()?).map_err(|_| "a size that overflows")?;
        heap.len()?;
        let names = self.part(heap.address()?, len)?;
        self.symbols_below(table.tree, None, names, budget, visit)
    }

    fn symbols_below(
        &self,
        address: u64,
        expected: Option<u8>,
        names: Fields<'f>,
        budget: &mut Budget,
        visit: Callback<'_>,
    ) -> Result<(), ReadError> {
        let node = self.node(address, 0, expected, self.length, budget)?;
        let mut fields = node.entries;
        for _ in 0..node.count {
            fields.take(self.length)?;
            let child = fields.address()?;
            if let Some(below) = node.level.checked_sub(1) {
                self.symbols_below(child, Some(below), names, budget, visit)?;
            } else {
                self.leaf(child, names, budget, visit)?;
            }
        }
        Ok(())
    }

    fn leaf(&self, address: u64, names: Fields<'f>, budget: &mut Budget, visit: Callback<'_>) -> Result<(), ReadError> {
        let mut fields = self.signed(address, 8, *b"SNOD")?;
        fields.take(2)?;
        let count = fields.count(2)?;
        // An entry has a name, an object, and cached data.
        let entry = self.length + self.address + 24;
        budget.spend(8 + count * entry)?;
        let mut fields = self.part(address + 8, count * entry)?;
        for _ in 0..count {
            let start = usize::try_from(fields.len()?).ok();
            let object = fields.address()?;
            let is_soft = fields.number(4)? == 2;
            fields.take(20)?;
            let mut rest = names;
            start.and_then(|start| rest.take(start).ok()).ok_or("a name outside of its heap")?;
            if !is_soft {
                let name = rest.name(true)?;
                budget.spend(name.len())?;
                visit(Link { name, object }, budget)?;
            }
        }
        Ok(())
    }

    /// Returns the link in a message; `None` if it is not a hard link to an object.
    pub(super) fn link(&self, mut fields: Fields<'f>) -> Result<Option<Link>, ReadError> {
        let (version, flags) = (fields.byte()?, fields.byte()?);
        if version != 1 {
            return Err(format!("a link of version {version}").into());
        }
        let is_hard = flags & 8 == 0 || fields.byte()? == 0;
        // The creation order, and the encoding of the name.
        fields.take(if flags & 4 != 0 { 8 } else { 0 } + if flags & 0x10 != 0 { 1 } else { 0 })?;
        let len = fields.count(1 << (flags & 3))?;
        let name = fields.take(len)?.name(false)?;
        Ok(if is_hard { Some(Link { name, object: fields.address()? }) } else { None })
    }

    /// Reads the link info message, and refuses links in a heap of their own.
    pub(super) fn check_link_info(&self, mut fields: Fields<'f>) -> Result<(), ReadError> {
        fields.take(1)?;
        let flags = fields.byte()?;
        fields.take(if flags & 1 != 0 { 8 } else { 0 })?;
        if fields.address()? == UNDEFINED {
            return Ok(());
        }
        Err("a group whose links lie in a heap, which is not read here: let h5py write it without `track_order` and `libver`"
            .into())
    }

    /// Reads a node of a version 1 B-tree, with keys of `key` bytes.
    pub(super) fn node(
        &self,
        address: u64,
        kind: u8,
        expected: Option<u8>,
        key: usize,
        budget: &mut Budget,
    ) -> Result<Node<'f>, ReadError> {
        let before = 8 + 2 * self.address;
        let mut fields = self.signed(address, before, *b"TREE")?;
        let (found, level, count) = (fields.byte()?, fields.byte()?, fields.count(2)?);
        if found != kind || level > MAX_DEPTH || expected.is_some_and(|expected| expected != level) {
            return Err(format!("a node of another tree at {address}").into());
        }
        let len = count * (key + self.address) + key;
        budget.spend(before + len)?;
        Ok(Node { level, count, entries: self.part(address + before as u64, len)? })
    }
}

/// A node: keys and children, alternating.
pub(super) struct Node<'f> {
    pub(super) level: u8,
    pub(super) count: usize,
    pub(super) entries: Fields<'f>,
}

/// Returns whether a header message shows that an object is a group.
pub(super) fn is_member(message: u8) -> bool {
    [kind::LINK, kind::SYMBOL_TABLE, kind::LINK_INFO].contains(&message)
}
