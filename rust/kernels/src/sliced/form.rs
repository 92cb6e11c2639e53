//! The forms of the sliced kernels: an instruction set, and with AVX-512 its extensions for bytes.

use std::fmt;

use super::MOST_BITS;
use crate::isa::Isa;

/// What the kernels of a program use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Words of 64 bits.
    Portable,
    /// AVX2.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// AVX-512 with VBMI and GFNI: bytes are permuted and bits transposed in one instruction.
    Vbmi,
}

impl Form {
    /// Every form, for tests that compare them.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Avx2, Self::Avx512, Self::Vbmi];

    /// The form for an instruction set on this processor.
    pub fn of(isa: Isa) -> Self {
        match isa {
            Isa::Scalar | Isa::Neon => Self::Portable,
            Isa::Avx2 => Self::Avx2,
            Isa::Avx512 if Self::Vbmi.available() => Self::Vbmi,
            Isa::Avx512 => Self::Avx512,
        }
    }

    /// Whether this processor can run it.
    pub fn available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => Isa::Avx2.available(),
            Self::Avx512 => Isa::Avx512.available(),
            #[cfg(target_arch = "x86_64")]
            Self::Vbmi => {
                Isa::Avx512.available()
                    && is_x86_feature_detected!("avx512vbmi")
                    && is_x86_feature_detected!("gfni")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Vbmi => false,
        }
    }

    /// The instruction set that it belongs to.
    pub(super) fn isa(self) -> Isa {
        match self {
            Self::Portable => Isa::Scalar,
            Self::Avx2 => Isa::Avx2,
            Self::Avx512 | Self::Vbmi => Isa::Avx512,
        }
    }

    /// What looking up a value by a code of some bits costs, in multiplexers, beyond the cheapest look-up. `leaves`
    /// is how many leaves the tree has. The compiler of trees weighs longer codes, which need fewer multiplexers,
    /// against it; any code is allowed.
    pub fn code_cost(self, bits: usize, leaves: usize) -> u32 {
        debug_assert!(bits <= MOST_BITS);
        match (self, bits) {
            (_, 0..=5) => 0,
            (Self::Vbmi, 6) if leaves <= 32 => 4,
            (Self::Vbmi, 7) if leaves <= 32 => 16,
            (Self::Avx512 | Self::Vbmi, 6) => 30,
            (Self::Avx512 | Self::Vbmi, 7) => 80,
            (Self::Avx512 | Self::Vbmi, 8) => 200,
            (Self::Avx2, 6..=8) => 70,
            (Self::Portable, 6) => 2,
            (Self::Portable, 7) => 4,
            (Self::Portable, 8) => 16,
            (_, 9) => 220,
            (_, 10) => 230,
            (_, 11) => 250,
            // Tables of codes grow out of the caches.
            (_, more) => 250 + (16 << (more - 11)),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Vbmi => "avx512 with VBMI and GFNI",
        })
    }
}
