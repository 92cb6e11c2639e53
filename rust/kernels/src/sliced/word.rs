//! Words of bits, and the two loops of a program over them: tests and multiplexers.
//! Both go over the first `N` lines of each plane.

use super::{LINES, Line};

/// Bytes of a line.
pub(super) const LINE_BYTES: usize = size_of::<Line>();
/// Bytes of a plane.
pub(super) const PLANE_BYTES: usize = LINES * LINE_BYTES;

/// Some bits of a plane that one instruction works on.
pub(super) trait Word: Copy {
    /// Reads a word.
    ///
    /// # Safety
    /// `at` is a multiple of the word's size within memory that may be read, and the processor has the
    /// instructions of the word.
    unsafe fn load(at: *const u8) -> Self;

    /// Writes a word.
    ///
    /// # Safety
    /// As for [`load`](Self::load), for memory that may be written.
    unsafe fn store(self, at: *mut u8);

    /// Where `test` is set the bit of `right`, elsewhere that of `left`.
    ///
    /// # Safety
    /// The processor has the instructions of the word.
    unsafe fn choose(test: Self, right: Self, left: Self) -> Self;

    /// `a | b & c`.
    ///
    /// # Safety
    /// The processor has the instructions of the word.
    unsafe fn join(a: Self, b: Self, c: Self) -> Self;
}

/// Makes tests of two digits, `a | b & c`, into consecutive planes from `first` on.
///
/// # Safety
/// The planes that are named lie within `planes`, and the processor has the instructions of the word.
#[inline(always)]
pub(super) unsafe fn pairs<W: Word, const N: usize>(planes: *mut u8, tests: &[[u16; 3]], first: u16) {
    let mut out = usize::from(first) * PLANE_BYTES;
    for test in tests {
        let [a, b, c] = test.map(|plane| usize::from(plane) * PLANE_BYTES);
        for step in (0..N * LINE_BYTES).step_by(size_of::<W>()) {
            // SAFETY: promised by the caller.
            unsafe {
                let word = |at: usize| W::load(planes.add(at + step));
                W::join(word(a), word(b), word(c)).store(planes.add(out + step));
            }
        }
        out += PLANE_BYTES;
    }
}

/// Makes tests of three digits, `a | b & (c | d & e)`, into consecutive planes from `first` on.
///
/// # Safety
/// As for [`pairs`].
#[inline(always)]
pub(super) unsafe fn triples<W: Word, const N: usize>(planes: *mut u8, tests: &[[u16; 5]], first: u16) {
    let mut out = usize::from(first) * PLANE_BYTES;
    for test in tests {
        let [a, b, c, d, e] = test.map(|plane| usize::from(plane) * PLANE_BYTES);
        for step in (0..N * LINE_BYTES).step_by(size_of::<W>()) {
            // SAFETY: promised by the caller.
            unsafe {
                let word = |at: usize| W::load(planes.add(at + step));
                let inner = W::join(word(c), word(d), word(e));
                W::join(word(a), word(b), inner).store(planes.add(out + step));
            }
        }
        out += PLANE_BYTES;
    }
}

/// Runs multiplexers: test, left, right, and the plane to write.
///
/// # Safety
/// As for [`pairs`].
#[inline(always)]
pub(super) unsafe fn muxes<W: Word, const N: usize>(planes: *mut u8, muxes: &[[u16; 4]]) {
    for mux in muxes {
        let [test, left, right, out] = mux.map(|plane| usize::from(plane) * PLANE_BYTES);
        for step in (0..N * LINE_BYTES).step_by(size_of::<W>()) {
            // SAFETY: promised by the caller.
            unsafe {
                let word = |at: usize| W::load(planes.add(at + step));
                W::choose(word(test), word(right), word(left)).store(planes.add(out + step));
            }
        }
    }
}
