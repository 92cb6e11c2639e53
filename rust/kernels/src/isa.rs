//! Which instruction set the kernels use.
//!
//! Chosen once per process: the widest that the processor has, or the one that the environment variable
//! `CREDITCORE_ISA` forces (`scalar`, `avx2`, `avx512`, `neon`). The choice never changes a result: every
//! kernel works on integers, or on floating-point steps that round nothing.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What every processor of the target architecture has (SSE2 on x86-64).
    Scalar,
    /// The base of 64-bit ARM; the compiler's own default there.
    Neon,
    /// AVX2 with FMA, BMI2 and POPCNT.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

impl Isa {
    /// Every instruction set in the order of its discriminants, for tests that compare them.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Neon, Self::Avx2, Self::Avx512];

    /// Whether this processor can run it.
    #[inline]
    pub fn available(self) -> bool {
        // Asked before every call of a kernel, some of which take only a few hundred rows.
        static FOUND: OnceLock<[bool; 4]> = OnceLock::new();
        FOUND.get_or_init(|| Self::ALL.map(Self::detected))[self as usize]
    }

    fn detected(self) -> bool {
        match self {
            Self::Scalar => true,
            Self::Neon => cfg!(target_arch = "aarch64"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("popcnt")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.detected()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// The widest instruction set that this processor has.
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|isa| isa.available()).unwrap_or(Self::Scalar)
    }

    /// What the kernels of this process use.
    ///
    /// # Errors
    /// `CREDITCORE_ISA` names no instruction set, or one that this processor lacks.
    pub fn active() -> Result<Self, String> {
        static ACTIVE: OnceLock<Result<Isa, String>> = OnceLock::new();
        ACTIVE
            .get_or_init(|| match std::env::var("CREDITCORE_ISA") {
                Err(_) => Ok(Self::best()),
                Ok(name) => {
                    let isa: Self = name.parse()?;
                    if isa.available() {
                        Ok(isa)
                    } else {
                        Err(format!(
                            "CREDITCORE_ISA is `{name}`, which this processor lacks; unset it, or use `{}`",
                            Self::best()
                        ))
                    }
                }
            })
            .clone()
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

impl FromStr for Isa {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|isa| isa.to_string() == name).ok_or_else(|| {
            format!("CREDITCORE_ISA is `{name}`; allowed are `scalar`, `neon`, `avx2` and `avx512`")
        })
    }
}

/// Compiles one loop for every instruction set and chooses among them by an [`Isa`].
///
/// The loop is an `#[inline(always)]` function; the generated one has the same arguments behind an `Isa`.
macro_rules! multiversion {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:path;) => {
        $(#[$doc])*
        $vis fn $name(isa: $crate::isa::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,bmi2,popcnt")]
                fn avx2($($arg: $ty),*) $(-> $ret)? { $body($($arg),*) }
                #[target_feature(enable = "avx2,fma,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512($($arg: $ty),*) $(-> $ret)? { $body($($arg),*) }
                match isa {
                    // SAFETY: an `Isa` is used only after `available` found its features on this processor.
                    $crate::isa::Isa::Avx512 if isa.available() => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::isa::Isa::Avx2 if isa.available() => return unsafe { avx2($($arg),*) },
                    _ => {}
                }
            }
            let _ = isa;
            $body($($arg),*)
        }
    };
}
pub(crate) use multiversion;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for isa in Isa::ALL {
            assert_eq!(isa.to_string().parse(), Ok(isa));
        }
        assert!("sse9".parse::<Isa>().expect_err("no such set").contains("`sse9`"));
    }

    #[test]
    fn the_best_is_available() {
        assert!(Isa::best().available());
    }
}
