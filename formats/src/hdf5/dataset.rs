//! Data sets with their sizes, element types and storage; and the traversal of groups.

use std::borrow::Cow;

use netwright_runtime::foreign::Dtype;
use netwright_runtime::storage::Contents;

use super::chunks::{Chunks, Filter};
use super::group::{Link, SymbolTable, is_member};
use super::header::{Message, kind};
use super::{Budget, Fields, ReadError, UNDEFINED, View};

/// A data set with an element type of tensors.
pub(crate) struct DataSet {
    pub(crate) dtype: Dtype,
    pub(crate) is_big_endian: bool,
    pub(crate) shape: Vec<usize>,
    pub(crate) elements: Elements,
}

/// The storage of a data set's elements.
pub(crate) enum Elements {
    /// Nothing has been written.
    Unwritten,
    /// Compact: in the header of the data set.
    Inline(Box<[u8]>),
    /// Contiguous in the file.
    Whole { start: u64, len: usize },
    /// In chunks, which may be compressed.
    Chunked(Chunks),
}

impl DataSet {
    /// Returns the elements of a data set of this file, in the file's byte order.
    ///
    /// # Errors
    /// A description of the inconsistency.
    pub(crate) fn elements<'f>(&'f self, contents: &'f Contents) -> Result<Cow<'f, [u8]>, ReadError> {
        match &self.elements {
            Elements::Unwritten if self.shape.contains(&0) => Ok(Cow::default()),
            Elements::Unwritten => Err("holds no elements: none has been written".into()),
            Elements::Inline(bytes) => Ok(Cow::Borrowed(bytes)),
            Elements::Whole { start, len } => Ok(contents.bytes(*start, *len)?),
            Elements::Chunked(chunks) => Ok(chunks.elements(&View::of(contents)?.0, &self.shape)?.into()),
        }
    }
}

/// Receives the groups and data sets of a file in a traversal.
pub(crate) trait Visitor {
    /// Called before a group, with the text of its attribute `name`; returns whether to traverse it.
    fn enter(&mut self, name: &str, layer: Option<&str>) -> bool;
    /// Called after the group that was entered last.
    fn leave(&mut self);
    /// Called for a data set with an element type of tensors.
    fn data(&mut self, name: &str, data: DataSet) -> Result<(), ReadError>;
}

/// The largest depth of nested groups.
const MAX_DEPTH: usize = 32;

/// The smallest number of bytes that a data set, with its link, occupies in a file.
const MIN_DATA_SET_LEN: usize = 160;

/// The enclosing groups of an object: their number, and the total length of their names.
#[derive(Clone, Copy, Default)]
struct Around {
    groups: usize,
    names: usize,
}

/// The header messages of an object that are used here.
#[derive(Default)]
struct Object<'f> {
    is_group: bool,
    table: Option<SymbolTable>,
    layer: Option<String>,
    space: Option<Message<'f>>,
    kind: Option<Message<'f>>,
    layout: Option<Message<'f>>,
    filters: Option<Message<'f>>,
}

/// Traverses all groups of a file, and passes its data sets to a visitor.
///
/// # Errors
/// A description of the inconsistency.
pub(crate) fn traverse(contents: &Contents, visitor: &mut impl Visitor) -> Result<(), ReadError> {
    let (view, root) = View::of(contents)?;
    let mut budget = Budget::of(usize::try_from(contents.len()).unwrap_or(usize::MAX).saturating_mul(2));
    let object = view.object(root, &mut budget)?;
    if !object.is_group {
        return Err("a root that is no group".into());
    }
    view.members(root, &object, &mut budget, visitor, Around::default())
}

impl<'f> View<'f> {
    fn object(&self, address: u64, budget: &mut Budget) -> Result<Object<'f>, ReadError> {
        let mut object = Object::default();
        self.messages(address, budget, &mut |message| {
            object.is_group |= is_member(message.kind);
            let room = match message.kind {
                kind::DATASPACE => &mut object.space,
                kind::DATATYPE => &mut object.kind,
                kind::LAYOUT => &mut object.layout,
                kind::FILTERS => &mut object.filters,
                kind::SYMBOL_TABLE => {
                    object.table = Some(self.symbol_table(message.own()?)?);
                    return Ok(());
                }
                kind::LINK_INFO => return self.check_link_info(message.own()?),
                kind::ATTRIBUTE => {
                    if object.layer.is_none() {
                        object.layer = self.text_of(&message, "name");
                    }
                    return Ok(());
                }
                _ => return Ok(()),
            };
            *room = Some(message);
            Ok(())
        })?;
        Ok(object)
    }

    fn members(
        &self,
        address: u64,
        object: &Object<'f>,
        budget: &mut Budget,
        visitor: &mut impl Visitor,
        around: Around,
    ) -> Result<(), ReadError> {
        if around.groups > MAX_DEPTH {
            return Err(format!("groups more than {MAX_DEPTH} deep").into());
        }
        if let Some(table) = object.table {
            return self.symbols(table, budget, &mut |link, budget| self.member(&link, budget, visitor, around));
        }
        // Links in the header are found by reading it a second time, so that no list of them is stored.
        let mut again = Budget::of(usize::MAX);
        self.messages(address, &mut again, &mut |message| match message.kind {
            kind::LINK => match self.link(message.own()?)? {
                Some(link) => self.member(&link, budget, visitor, around),
                None => Ok(()),
            },
            _ => Ok(()),
        })
    }

    fn member(
        &self,
        link: &Link,
        budget: &mut Budget,
        visitor: &mut impl Visitor,
        around: Around,
    ) -> Result<(), ReadError> {
        let named = |reason: String| format!("{reason}, at `{}`", link.name);
        let object = self.object(link.object, budget).map_err(|error| error.map(named))?;
        if object.is_group {
            if visitor.enter(&link.name, object.layer.as_deref()) {
                let around = Around { groups: around.groups + 1, names: around.names + link.name.len() };
                self.members(link.object, &object, budget, visitor, around)?;
                visitor.leave();
            }
            return Ok(());
        }
        budget.spend(MIN_DATA_SET_LEN + around.names + link.name.len())?;
        match self.data_set(&object).map_err(|error| error.map(|reason| format!("`{}` {reason}", link.name)))? {
            Some(data) => visitor.data(&link.name, data),
            None => Ok(()),
        }
    }

    /// Interprets an object as a data set; `None` if it is not one, or has another element type than tensors.
    fn data_set(&self, object: &Object<'f>) -> Result<Option<DataSet>, ReadError> {
        let (Some(space), Some(kind), Some(layout)) = (object.space, object.kind, object.layout) else {
            return Ok(None);
        };
        let Some((dtype, size, is_big_endian)) = number(kind.own()?)? else { return Ok(None) };
        let shape = shape(space.own()?)?;
        let len = shape.iter().try_fold(size, |len, &size| len.checked_mul(size)).ok_or("has sizes that overflow")?;
        let filters = object.filters.map(|message| Filter::list(message.own()?)).transpose()?;
        let elements = self.layout(layout.own()?, &shape, size, len, filters.unwrap_or_default())?;
        Ok(Some(DataSet { dtype, is_big_endian, shape, elements }))
    }

    fn layout(
        &self,
        mut fields: Fields<'f>,
        shape: &[usize],
        size: usize,
        len: usize,
        filters: Vec<Filter>,
    ) -> Result<Elements, ReadError> {
        let version = fields.byte()?;
        if !(3..=4).contains(&version) {
            return Err(format!("has a layout of version {version}").into());
        }
        let class = fields.byte()?;
        if class == 2 {
            let chunks = Chunks::read(fields, version, shape, size, filters)?;
            return Ok(chunks.map_or(Elements::Unwritten, Elements::Chunked));
        }
        let wrong = |found: u64| ReadError::from(format!("has {found} bytes for sizes {shape:?}"));
        let (address, found) = match class {
            0 => {
                let found = fields.count(2)?;
                if found != len {
                    return Err(wrong(found as u64));
                }
                return Ok(Elements::Inline(fields.take(len)?.bytes()?.into()));
            }
            1 => (fields.address()?, fields.len()?),
            _ => return Err("lies in other files".into()),
        };
        if address == UNDEFINED {
            return Ok(Elements::Unwritten);
        }
        if found != len as u64 {
            return Err(wrong(found));
        }
        self.part(address, len).map_err(|error| error.map(|reason| format!("has {reason}")))?;
        Ok(Elements::Whole { start: address, len })
    }
}

/// Reads the sizes of a data set.
fn shape(mut fields: Fields<'_>) -> Result<Vec<usize>, ReadError> {
    let (version, rank) = (fields.byte()?, fields.byte()?);
    match version {
        1 => fields.take(6)?,
        2 => fields.take(2)?,
        _ => return Err(format!("has sizes of version {version}").into()),
    };
    (0..rank).map(|_| usize::try_from(fields.len()?).map_err(|_| "has sizes that overflow".into())).collect()
}

/// Reads the element type, its size, and whether it is big-endian; `None` for an element type that tensors do not have.
fn number(mut fields: Fields<'_>) -> Result<Option<(Dtype, usize, bool)>, ReadError> {
    let class = fields.byte()? & 0x0f;
    let bits = fields.number(3)?;
    let size = fields.count(4)?;
    let dtype = match class {
        0 => {
            let is_signed = bits & 8 != 0;
            match (size, is_signed) {
                (1, true) => Dtype::I8,
                (2, true) => Dtype::I16,
                (4, true) => Dtype::I32,
                (8, true) => Dtype::I64,
                (1, false) => Dtype::U8,
                (2, false) => Dtype::U16,
                (4, false) => Dtype::U32,
                (8, false) => Dtype::U64,
                _ => return Ok(None),
            }
        }
        // The byte order of a VAX.
        1 if bits & 0x40 != 0 => return Ok(None),
        1 => {
            fields.take(5)?;
            match (size, fields.byte()?) {
                (2, 5) => Dtype::F16,
                (2, 8) => Dtype::BF16,
                (4, 8) => Dtype::F32,
                (8, 11) => Dtype::F64,
                _ => return Ok(None),
            }
        }
        _ => return Ok(None),
    };
    Ok(Some((dtype, size, bits & 1 != 0)))
}
