//! Differences between the weights that are offered to a network and its own.

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
        /// The tensor with the nearest name among those that the network lacks.
        nearest: Option<String>,
    },
    /// The file has a tensor that the network lacks.
    #[error("`{tensor}` {found:?} is not in the network{}", instead(nearest))]
    Extra {
        /// The tensor.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// The tensor with the nearest name among those that are missing.
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
    /// All names of a file have a common prefix, such as the name of a module around the network, or of a key in a checkpoint.
    #[error("its tensors lie below `{name}`: give the map `.below(\"{name}\")`{}", besides(beside))]
    Below {
        /// The prefix.
        name: String,
        /// Other entries of the file, which do not belong to the network.
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
    /// A layer with weights for which the map gives no name in the other library.
    #[error("`{layer}` has no name there: write `from` behind it, or name it in the map")]
    Unnamed {
        /// The layer.
        layer: String,
    },
    /// A tensor that the other library trains and this network does not have, with other elements than the network assumes.
    #[error("`{tensor}` is not {expected} throughout, and the network's layer leaves it out")]
    NotConstant {
        /// The tensor.
        tensor: String,
        /// The value that each of its elements must have.
        expected: String,
    },
    /// A tensor holds another element type.
    #[error("`{tensor}` holds {found}, where the network holds {expected}")]
    Numbers {
        /// The tensor.
        tensor: String,
        /// The network's element type: `F32`.
        expected: &'static str,
        /// The file's element type: `F64`.
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
