//! Element types of 16 bits, which occur in files alone; nothing computes in them.

/// Converts from IEEE 754's binary16: a sign, five bits of exponent, ten of fraction.
pub(super) fn f16(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
    let size = match exponent {
        0 => fraction * 2.0_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2.0_f64.powi(exponent - 15),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// Converts from bfloat16: the upper 16 bits of an `f32`.
pub(super) fn bf16(bits: u16) -> f64 {
    f32::from_bits(u32::from(bits) << 16).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the bits of the `f32` of the same value by shifting the fields: an independent conversion.
    fn widened(bits: u16) -> f32 {
        let (sign, exponent, fraction) = (u32::from(bits >> 15) << 31, bits >> 10 & 0x1f, u32::from(bits & 0x3ff));
        match exponent {
            0 => fraction as f32 * f32::from_bits(0x3380_0000) * if sign == 0 { 1.0 } else { -1.0 },
            31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
            _ => f32::from_bits(sign | (u32::from(exponent) + 112) << 23 | fraction << 13),
        }
    }

    #[test]
    fn every_half_is_the_number_that_its_fields_say() {
        for bits in 0..=u16::MAX {
            let (found, expected) = (f16(bits), f64::from(widened(bits)));
            assert!(found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan(), "{bits:#06x}");
        }
        assert_eq!([0x3c00, 0xc000, 0x7bff, 0x0001].map(f16), [1.0, -2.0, 65504.0, 2.0_f64.powi(-24)]);
    }

    #[test]
    fn a_brain_float_is_the_upper_half_of_a_float() {
        assert_eq!([0x3f80, 0xc000, 0x4049].map(bf16), [1.0, -2.0, 3.140625]);
        assert_eq!(bf16(0x7f80), f64::INFINITY);
        assert!(bf16(0x7fc0).is_nan());
    }
}
