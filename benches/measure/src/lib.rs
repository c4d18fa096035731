//! Helpers of the benchmarks: the machine's [`peak`] and the speed of its [`memory`], measured in the same run as everything else;
//! [times](timing) of calls in turn; [layers](layer); and a [`Table`] that shows beside each time the arithmetic, the bytes, and the share
//! of the machine's peak.

pub mod layer;
pub mod machine;
pub mod table;
pub mod threads;
pub mod timing;

pub use layer::{convolution, elements};
pub use machine::{memory, peak};
pub use netwright_runtime::memory::Buffer;
pub use table::{Row, Table};
pub use threads::Pool;
pub use timing::best;
