//! How weights that are offered to a network can differ from its own.

use crate::debug_as_sentence::debug_as_sentence;

/// One way in which the weights of a file, or of another network, do not fit a network. Tensors are named `layer.tensor`.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightDifference {
    /// The network has a tensor that the file lacks.
    #[error("`{tensor}` {expected:?} is missing{}", instead(nearest))]
    Missing {
        /// The tensor.
        tensor: String,
        /// Its shape.
        expected: Vec<usize>,
        /// Of the tensors that the network lacks, the one whose name is nearest.
        nearest: Option<String>,
    },
    /// The file has a tensor that the network lacks.
    #[error("`{tensor}` {found:?} is not in the network{}", instead(nearest))]
    Extra {
        /// The tensor.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// Of the tensors that are missing, the one whose name is nearest.
        nearest: Option<String>,
    },
    /// A tensor has another shape.
    #[error("`{tensor}` is {found:?}, where the network has {expected:?}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// The network's shape.
        expected: Vec<usize>,
        /// The file's shape.
        found: Vec<usize>,
    },
    /// All names of a file begin with a name more, as of a module around the network, or of the place in a checkpoint.
    #[error("its tensors lie below `{name}`: give the map `.below(\"{name}\")`{}", besides(beside))]
    Below {
        /// That name.
        name: String,
        /// What else lies in the file, which the network has no place for.
        beside: Vec<String>,
    },
    /// The file has the names of another library than the map.
    #[error("its tensors are called as {library} calls them: give it `{map}`")]
    Library {
        /// The library.
        library: &'static str,
        /// The map of its names.
        map: &'static str,
    },
    /// A layer with weights that another library's file cannot be asked for.
    #[error("`{layer}` has no name there: write `from` behind it, or name it in the map")]
    Unnamed {
        /// The layer.
        layer: String,
    },
    /// A tensor that another library trains and this network does not have, with other elements than it would need.
    #[error("`{tensor}` is not {expected} throughout, and the network's layer leaves it out")]
    NotConstant {
        /// The tensor.
        tensor: String,
        /// What each of its elements would have to be.
        expected: String,
    },
    /// A tensor holds another element type.
    #[error("`{tensor}` holds {found}, where the network holds {expected}")]
    Numbers {
        /// The tensor.
        tensor: String,
        /// The network's: `F32`.
        expected: &'static str,
        /// The file's: `F64`.
        found: String,
    },
}

debug_as_sentence!(WeightDifference);

fn besides(parts: &[String]) -> String {
    parts.iter().map(|part| format!(", and `.ignoring(\"{part}\")`")).collect()
}

fn instead(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |name| format!("; was `{name}` meant?"))
}
