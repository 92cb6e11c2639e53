//! Pairs dealt to parts by the first bits of their hash.
//!
//! In: blocks of hashes and numbers. Out: a [`Part`] for each value of the first bits, its pairs in the order
//! in which they came. Pairs go to a part eight at a time, so that a line of memory is written whole.

/// Pairs of a page.
const PAGE: usize = 1 << 10;
/// Pairs that wait before they go to a page together.
const LINE: usize = 8;

/// Pairs whose hashes start with the same bits.
#[derive(Debug, Default)]
pub struct Part {
    pages: Vec<Page>,
    /// Pairs in the last page.
    last: usize,
}

#[derive(Debug)]
struct Page {
    hashes: Box<[u64; PAGE]>,
    numbers: Box<[u32; PAGE]>,
}

impl Page {
    fn new() -> Self {
        Self { hashes: Box::new([0; PAGE]), numbers: Box::new([0; PAGE]) }
    }
}

impl Part {
    /// How many pairs.
    pub fn len(&self) -> usize {
        self.pages.len().saturating_sub(1) * PAGE + self.last
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.last == 0
    }

    /// The pairs, page by page.
    pub fn pages(&self) -> impl Iterator<Item = (&[u64], &[u32])> {
        let whole = self.pages.len().saturating_sub(1);
        self.pages.iter().enumerate().map(move |(index, page)| {
            let length = if index == whole { self.last } else { PAGE };
            (&page.hashes[..length], &page.numbers[..length])
        })
    }

    #[inline(always)]
    fn push(&mut self, hashes: &[u64], numbers: &[u32]) {
        if self.pages.is_empty() || self.last + hashes.len() > PAGE {
            self.grow(hashes, numbers);
            return;
        }
        let Some(page) = self.pages.last_mut() else { return };
        page.hashes[self.last..self.last + hashes.len()].copy_from_slice(hashes);
        page.numbers[self.last..self.last + hashes.len()].copy_from_slice(numbers);
        self.last += hashes.len();
    }

    /// As `push`, where a page must be begun. Only the last line of a part may be short, so pages are full.
    #[cold]
    fn grow(&mut self, hashes: &[u64], numbers: &[u32]) {
        self.pages.push(Page::new());
        self.last = 0;
        self.push(hashes, numbers);
    }
}

/// Deals pairs to parts; one for each thread.
#[derive(Debug)]
pub struct Dealer {
    bits: u32,
    parts: Vec<Part>,
    lines: Vec<Line>,
}

/// Pairs that wait for a whole line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line {
    hashes: [u64; LINE],
    numbers: [u32; LINE],
    length: u32,
}

impl Dealer {
    /// Deals to 2^`bits` parts, `bits` from 1 to 16.
    ///
    /// # Panics
    /// For other numbers of bits.
    pub fn new(bits: u32) -> Self {
        assert!((1..=16).contains(&bits), "parts are 2 to 65,536");
        let parts = (0..1 << bits).map(|_| Part::default()).collect();
        Self { bits, parts, lines: vec![Line::default(); 1 << bits] }
    }

    /// Deals pairs.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn deal(&mut self, hashes: &[u64], numbers: &[u32]) {
        assert_eq!(hashes.len(), numbers.len());
        let shift = 64 - self.bits;
        for (&hash, &number) in hashes.iter().zip(numbers) {
            let part = (hash >> shift) as usize;
            let line = &mut self.lines[part];
            let at = line.length as usize % LINE;
            line.hashes[at] = hash;
            line.numbers[at] = number;
            line.length += 1;
            if line.length as usize == LINE {
                self.parts[part].push(&line.hashes, &line.numbers);
                line.length = 0;
            }
        }
    }

    /// The parts.
    pub fn finish(mut self) -> Vec<Part> {
        for (part, line) in self.parts.iter_mut().zip(&self.lines) {
            let length = line.length as usize;
            if length > 0 {
                part.push(&line.hashes[..length], &line.numbers[..length]);
            }
        }
        self.parts
    }
}
