//! The hash by which CatBoost knows a category: the low 32 bits of CityHash64 of its text.
//!
//! In: the bytes of a text. Out: 32 bits. The algorithm is version 1.0 of CityHash (Pike and Alakuijala, 2011), whose
//! steps for each range of lengths are followed here; what the library says of its own categories is the test.

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;
const K3: u64 = 0xc949_d7c7_509e_6557;
const MULTIPLIER: u64 = 0x9ddf_ea08_eb38_2d69;

/// The hash of a category's text.
pub(in crate::model) fn category(text: &[u8]) -> u32 {
    city64(text) as u32
}

/// Eight bytes from a place on, the lowest first; beyond the end zeros.
fn long(text: &[u8], place: usize) -> u64 {
    let bytes = text.iter().skip(place).take(8).enumerate();
    bytes.fold(0, |sum, (index, byte)| sum | u64::from(*byte) << (8 * index))
}

fn short(text: &[u8], place: usize) -> u64 {
    long(text, place) & u64::from(u32::MAX)
}

fn mixed(value: u64) -> u64 {
    value ^ value >> 47
}

/// Two words into one.
fn joined(low: u64, high: u64) -> u64 {
    let first = mixed((low ^ high).wrapping_mul(MULTIPLIER));
    mixed((high ^ first).wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER)
}

fn city64(text: &[u8]) -> u64 {
    match text.len() {
        0 => K2,
        1..=3 => {
            let byte = |place: usize| u64::from(text[place]);
            let first = byte(0).wrapping_add(byte(text.len() / 2) << 8);
            let second = (text.len() as u64).wrapping_add(byte(text.len() - 1) << 2);
            mixed(first.wrapping_mul(K2) ^ second.wrapping_mul(K3)).wrapping_mul(K2)
        }
        length @ 4..=8 => {
            let first = (length as u64).wrapping_add(short(text, 0) << 3);
            joined(first, short(text, length - 4))
        }
        length @ 9..=16 => {
            let last = long(text, length - 8);
            let turned = last.wrapping_add(length as u64).rotate_right(length as u32);
            joined(long(text, 0), turned) ^ last
        }
        17..=32 => up_to_32(text),
        33..=64 => up_to_64(text),
        _ => longer(text),
    }
}

fn up_to_32(text: &[u8]) -> u64 {
    let length = text.len();
    let a = long(text, 0).wrapping_mul(K1);
    let b = long(text, 8);
    let c = long(text, length - 8).wrapping_mul(K2);
    let d = long(text, length - 16).wrapping_mul(K0);
    let left = a.wrapping_sub(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d);
    let right = a.wrapping_add((b ^ K3).rotate_right(20)).wrapping_sub(c).wrapping_add(length as u64);
    joined(left, right)
}

/// Half of [`up_to_64`]: four words from a place on, with a start and what is added to the fourth.
fn half(a: u64, z: u64, words: [u64; 3]) -> (u64, u64) {
    let (b, c) = (a.wrapping_add(z).rotate_right(52), a.rotate_right(37));
    let a = a.wrapping_add(words[0]);
    let c = c.wrapping_add(a.rotate_right(7));
    let a = a.wrapping_add(words[1]);
    let first = a.wrapping_add(z);
    (first, b.wrapping_add(a.rotate_right(31)).wrapping_add(c))
}

fn up_to_64(text: &[u8]) -> u64 {
    let length = text.len();
    let back = |distance: usize| long(text, length - distance);
    let start = (length as u64).wrapping_add(back(16)).wrapping_mul(K0).wrapping_add(long(text, 0));
    let (v, vs) = half(start, long(text, 24), [long(text, 8), long(text, 16), 0]);
    let start = long(text, 16).wrapping_add(back(32));
    let (w, ws) = half(start, back(8), [back(24), back(16), 0]);
    let sum = v.wrapping_add(ws).wrapping_mul(K2).wrapping_add(w.wrapping_add(vs).wrapping_mul(K0));
    mixed(mixed(sum).wrapping_mul(K0).wrapping_add(vs)).wrapping_mul(K2)
}

/// Thirty-two bytes from a place on, with two seeds.
fn seeded(text: &[u8], place: usize, a: u64, b: u64) -> (u64, u64) {
    let words = [0, 8, 16, 24].map(|step| long(text, place + step));
    let a = a.wrapping_add(words[0]);
    let b = b.wrapping_add(a).wrapping_add(words[3]).rotate_right(21);
    let sum = a.wrapping_add(words[1]).wrapping_add(words[2]);
    (sum.wrapping_add(words[3]), b.wrapping_add(sum.rotate_right(44)).wrapping_add(a))
}

fn longer(text: &[u8]) -> u64 {
    let length = text.len();
    let back = |distance: usize| length - distance;
    let mut x = long(text, 0);
    let mut y = long(text, back(16)) ^ K1;
    let mut z = long(text, back(56)) ^ K0;
    let mut v = seeded(text, back(64), length as u64, y);
    let mut w = seeded(text, back(32), (length as u64).wrapping_mul(K1), K0);
    z = z.wrapping_add(mixed(v.1).wrapping_mul(K1));
    x = z.wrapping_add(x).rotate_right(39).wrapping_mul(K1);
    y = y.rotate_right(33).wrapping_mul(K1);
    for place in (0..(length - 1) / 64 * 64).step_by(64) {
        let step = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(long(text, place + 16));
        x = step.rotate_right(37).wrapping_mul(K1) ^ w.1;
        let step = y.wrapping_add(v.1).wrapping_add(long(text, place + 48));
        y = step.rotate_right(42).wrapping_mul(K1) ^ v.0;
        z = (z ^ w.0).rotate_right(33);
        v = seeded(text, place, v.1.wrapping_mul(K1), x.wrapping_add(w.0));
        w = seeded(text, place + 32, z.wrapping_add(w.1), y);
        std::mem::swap(&mut z, &mut x);
    }
    let left = joined(v.0, w.0).wrapping_add(mixed(y).wrapping_mul(K1)).wrapping_add(z);
    joined(left, joined(v.1, w.1).wrapping_add(x))
}
