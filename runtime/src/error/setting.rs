//! Hyper-parameters and their valid values.

use super::Error;

/// The value that a hyper-parameter was set to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SettingValue {
    /// A count, printed exactly.
    Count(u64),
    /// A real number.
    Real(f64),
    /// A byte, printed as a quoted character if it is ASCII.
    Byte(u8),
}

impl core::fmt::Display for SettingValue {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Real(number) => number.fmt(f),
            Self::Byte(byte) if byte.is_ascii() => write!(f, "{:?}", char::from(*byte)),
            Self::Byte(byte) => write!(f, "the byte {byte:#04x}"),
        }
    }
}

/// Returns `found`, or an error if it is not valid or not finite.
pub fn setting(setting: &'static str, found: f64, valid: bool, expected: &'static str) -> Result<f64, Error> {
    let refused = Error::Setting { setting, expected, found: SettingValue::Real(found) };
    if valid && found.is_finite() { Ok(found) } else { Err(refused) }
}

/// Returns an error for a count that is not valid.
pub fn count_setting(
    setting: &'static str,
    found: impl TryInto<u64>,
    valid: bool,
    expected: &'static str,
) -> Result<(), Error> {
    let found = SettingValue::Count(found.try_into().unwrap_or(u64::MAX));
    if valid { Ok(()) } else { Err(Error::Setting { setting, expected, found }) }
}
