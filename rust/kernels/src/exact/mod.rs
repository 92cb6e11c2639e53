//! A number that sums without rounding.
//!
//! [`Exact`] holds an integer multiple of a power of two in two's complement, as long as it needs to be: a
//! superaccumulator (Kulisch) that is stored only where it is not zero. Adding is exact, so a sum does not
//! depend on order, threads or partitions, and what was added can be taken away without a trace (law 2).
//! Equal values have equal bytes.

mod window;

pub(crate) use window::MOST_NUMBERS;
pub use window::Window;

/// Limbs that a serialised number may have: the widest sum of products of four doubles needs 140.
const MOST_LIMBS: usize = 256;

/// An exact binary fixed-point number: the sum of `limbs[i] * 2^(64 * (low + i))`, in two's complement.
#[derive(Clone, Debug, Default)]
pub struct Exact {
    low: i32,
    limbs: Vec<u64>,
}

impl Exact {
    /// Zero.
    pub const fn zero() -> Self {
        Self { low: 0, limbs: Vec::new() }
    }

    /// `value * 2^exponent`.
    pub fn from_scaled(value: i128, exponent: i32) -> Self {
        let mut exact = Self::zero();
        exact.add_scaled(value, exponent);
        exact
    }

    /// Whether the value is zero.
    pub fn is_zero(&self) -> bool {
        self.limbs.iter().all(|&limb| limb == 0)
    }

    /// Adds `value * 2^exponent`.
    pub fn add_scaled(&mut self, value: i128, exponent: i32) {
        if value == 0 {
            return;
        }
        let (index, shift) = (exponent.div_euclid(64), exponent.rem_euclid(64));
        let wide = if shift == 0 {
            [value as u64, (value >> 64) as u64, (value >> 127) as u64]
        } else {
            [(value as u64) << shift, (value >> (64 - shift)) as u64, (value >> (128 - shift)) as u64]
        };
        self.add_limbs(&wide, index);
    }

    /// Adds `value * 2^exponent`, or takes it away where `negative`.
    pub fn add_product(&mut self, negative: bool, value: u128, exponent: i32) {
        if value >> 127 != 0 {
            // The top bit is the sign of an i128: add such a value in two parts.
            self.add_product(negative, value >> 1, exponent + 1);
            self.add_product(negative, value & 1, exponent);
            return;
        }
        let value = value as i128;
        self.add_scaled(if negative { -value } else { value }, exponent);
    }

    /// Adds another number.
    pub fn add(&mut self, other: &Self) {
        self.add_limbs(&other.limbs, other.low);
    }

    /// Takes another number away.
    pub fn subtract(&mut self, other: &Self) {
        self.add(&other.negated());
    }

    /// The number with its sign turned.
    pub fn negated(&self) -> Self {
        let mut limbs: Vec<u64> = self.limbs.iter().map(|limb| !limb).collect();
        limbs.push(if self.sign_limb() == 0 { u64::MAX } else { 0 });
        let mut carry = true;
        for limb in &mut limbs {
            (*limb, carry) = limb.overflowing_add(u64::from(carry));
        }
        Self { low: self.low, limbs }
    }

    /// The canonical form: the lowest limb's index and the limbs, without a zero limb at the bottom or one
    /// at the top that only repeats the sign.
    pub fn canonical(&self) -> (i32, &[u64]) {
        let mut limbs = self.limbs.as_slice();
        while let [rest @ .., next, top] = limbs {
            let sign = if next >> 63 == 0 { 0 } else { u64::MAX };
            if *top != sign {
                break;
            }
            limbs = &limbs[..=rest.len()];
        }
        let zeros = limbs.iter().take_while(|&&limb| limb == 0).count();
        if zeros == limbs.len() { (0, &[]) } else { (self.low + zeros as i32, &limbs[zeros..]) }
    }

    /// Appends the canonical form: the index (i32), the number of limbs (u32), the limbs; little-endian.
    pub fn write_to(&self, bytes: &mut Vec<u8>) {
        let (low, limbs) = self.canonical();
        bytes.extend_from_slice(&low.to_le_bytes());
        bytes.extend_from_slice(&(limbs.len() as u32).to_le_bytes());
        for limb in limbs {
            bytes.extend_from_slice(&limb.to_le_bytes());
        }
    }

    /// Reads what [`write_to`](Self::write_to) wrote, and moves `bytes` behind it. `None` where the bytes
    /// are cut short, too long for any sum, or not canonical.
    pub fn read_from(bytes: &mut &[u8]) -> Option<Self> {
        let (low, rest) = bytes.split_first_chunk::<4>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (low, count) = (i32::from_le_bytes(*low), u32::from_le_bytes(*count) as usize);
        if count > MOST_LIMBS || low.unsigned_abs() as usize > MOST_LIMBS || rest.len() < count * 8 {
            return None;
        }
        let (body, rest) = rest.split_at(count * 8);
        let limbs = body.chunks_exact(8).map(|c| u64::from_le_bytes(c.try_into().unwrap_or_default()));
        let exact = Self { low, limbs: limbs.collect() };
        let (canonical_low, canonical_limbs) = exact.canonical();
        if canonical_low != low || canonical_limbs.len() != count {
            return None;
        }
        *bytes = rest;
        Some(exact)
    }

    /// All zeros or all ones: what stands above the highest limb.
    fn sign_limb(&self) -> u64 {
        self.limbs.last().map_or(0, |top| if top >> 63 == 0 { 0 } else { u64::MAX })
    }

    /// Makes room for `count` limbs from index `low` on, and for a limb above them that is only sign, so
    /// that the next addition cannot overflow.
    fn make_room(&mut self, low: i32, count: usize) {
        if self.limbs.is_empty() {
            self.low = low;
        }
        if low < self.low {
            let missing = (self.low - low) as usize;
            self.limbs.splice(0..0, std::iter::repeat_n(0, missing));
            self.low = low;
        }
        let sign = self.sign_limb();
        let wanted = (low - self.low) as usize + count + 1;
        if self.limbs.len() < wanted {
            self.limbs.resize(wanted, sign);
        } else if self.limbs.last() != Some(&sign) {
            self.limbs.push(sign);
        }
    }

    fn add_limbs(&mut self, other: &[u64], low: i32) {
        let Some(top) = other.last() else { return };
        self.make_room(low, other.len());
        let extension = if top >> 63 == 0 { 0 } else { u64::MAX };
        let (here, above) = self.limbs[(low - self.low) as usize..].split_at_mut(other.len());
        let mut carry = false;
        for (limb, &add) in here.iter_mut().zip(other) {
            (*limb, carry) = add_with_carry(*limb, add, carry);
        }
        for limb in above {
            // From here on only the sign of `other` and the carry count; they cancel or do nothing more.
            if (extension == 0) != carry {
                break;
            }
            (*limb, carry) = add_with_carry(*limb, extension, carry);
        }
    }
}

#[inline]
fn add_with_carry(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(u64::from(carry));
    (sum, first | second)
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for Exact {}

#[cfg(test)]
pub(crate) mod tests;
