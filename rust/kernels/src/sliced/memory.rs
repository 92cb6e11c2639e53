//! Lines of memory that many planes are kept in.
//!
//! In: how many lines. Out: lines, all zero. A step reads a megabyte of planes again and again, in no order: in pages
//! of 4 KiB that is more than the nearest table of addresses holds, so Linux is asked for pages of 2 MiB. Which pages
//! it gives changes nothing but the time.

use std::ops::{Deref, DerefMut};

use super::Line;

/// Bytes from which on large pages are asked for: below, small ones are few enough.
const LARGE_FROM: usize = 1 << 18;

/// Lines, zero when they are made.
pub(super) enum Lines {
    Own(Vec<Line>),
    #[cfg(all(target_os = "linux", target_pointer_width = "64", not(miri)))]
    Large(large::Lines),
}

impl Lines {
    pub(super) fn new(count: usize) -> Self {
        #[cfg(all(target_os = "linux", target_pointer_width = "64", not(miri)))]
        if count * size_of::<Line>() >= LARGE_FROM
            && let Some(lines) = large::Lines::new(count)
        {
            return Self::Large(lines);
        }
        let _ = LARGE_FROM;
        Self::Own(vec![Line::default(); count])
    }
}

impl Deref for Lines {
    type Target = [Line];

    fn deref(&self) -> &[Line] {
        match self {
            Self::Own(lines) => lines,
            #[cfg(all(target_os = "linux", target_pointer_width = "64", not(miri)))]
            Self::Large(lines) => lines.all(),
        }
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [Line] {
        match self {
            Self::Own(lines) => lines,
            #[cfg(all(target_os = "linux", target_pointer_width = "64", not(miri)))]
            Self::Large(lines) => lines.all_mut(),
        }
    }
}

#[cfg(all(target_os = "linux", target_pointer_width = "64", not(miri)))]
mod large {
    use std::ffi::{c_int, c_void};
    use std::ptr::{self, NonNull};
    use std::slice;

    use super::Line;

    /// Bytes of a large page.
    const PAGE: usize = 1 << 21;
    const READ_AND_WRITE: c_int = 3;
    const PRIVATE_AND_ANONYMOUS: c_int = 0x22;
    const LARGE_PAGES: c_int = 14;

    // The C library that `std` is linked with; the numbers above are those of Linux on every 64-bit processor that
    // has a kernel here.
    unsafe extern "C" {
        fn mmap(
            at: *mut c_void,
            length: usize,
            protection: c_int,
            flags: c_int,
            file: c_int,
            start: i64,
        ) -> *mut c_void;
        fn munmap(at: *mut c_void, length: usize) -> c_int;
        fn madvise(at: *mut c_void, length: usize, advice: c_int) -> c_int;
    }

    /// Lines in a map of their own, from a boundary of large pages on.
    pub(in super::super) struct Lines {
        map: *mut c_void,
        length: usize,
        first: NonNull<Line>,
        count: usize,
    }

    // SAFETY: the map belongs to this value alone, like the memory of a vector.
    unsafe impl Send for Lines {}
    // SAFETY: as above; what is shared can only be read.
    unsafe impl Sync for Lines {}

    impl Lines {
        /// None where the system gives no map.
        pub(super) fn new(count: usize) -> Option<Self> {
            let bytes = (count * size_of::<Line>()).next_multiple_of(PAGE);
            let length = bytes + PAGE;
            // SAFETY: a new map, at a place that the system chooses, takes nobody's memory.
            let map = unsafe { mmap(ptr::null_mut(), length, READ_AND_WRITE, PRIVATE_AND_ANONYMOUS, -1, 0) };
            if map.addr() == usize::MAX {
                return None;
            }
            let before = map.addr().next_multiple_of(PAGE) - map.addr();
            let first = map.wrapping_byte_add(before);
            // SAFETY: the whole pages lie within the map. A system without large pages says so and leaves it as it is.
            let _ = unsafe { madvise(first, bytes, LARGE_PAGES) };
            Some(Self { map, length, first: NonNull::new(first.cast())?, count })
        }

        pub(super) fn all(&self) -> &[Line] {
            // SAFETY: so many lines lie within the map, which is zero at first and aligned beyond a line.
            unsafe { slice::from_raw_parts(self.first.as_ptr(), self.count) }
        }

        pub(super) fn all_mut(&mut self) -> &mut [Line] {
            // SAFETY: as above, and borrowed mutably.
            unsafe { slice::from_raw_parts_mut(self.first.as_ptr(), self.count) }
        }
    }

    impl Drop for Lines {
        fn drop(&mut self) {
            // SAFETY: the map was made by `new`, and nobody borrows from a value that goes.
            let _ = unsafe { munmap(self.map, self.length) };
        }
    }
}
