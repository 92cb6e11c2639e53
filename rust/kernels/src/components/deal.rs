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
}

#[derive(Debug)]
struct Page {
    hashes: Vec<u64>,
    numbers: Vec<u32>,
}

impl Page {
    fn new() -> Self {
        Self { hashes: Vec::with_capacity(PAGE), numbers: Vec::with_capacity(PAGE) }
    }
}

impl Part {
    /// How many pairs.
    pub fn len(&self) -> usize {
        self.pages.iter().map(|page| page.hashes.len()).sum()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The pairs, page by page.
    pub fn pages(&self) -> impl Iterator<Item = (&[u64], &[u32])> {
        self.pages.iter().map(|page| (page.hashes.as_slice(), page.numbers.as_slice()))
    }

    #[inline(always)]
    fn push(&mut self, hashes: &[u64], numbers: &[u32]) {
        match self.pages.last_mut() {
            Some(page) if page.hashes.len() + hashes.len() <= PAGE => {
                page.hashes.extend_from_slice(hashes);
                page.numbers.extend_from_slice(numbers);
            }
            _ => self.grow(hashes, numbers),
        }
    }

    /// As `push`, where a page must be begun.
    #[cold]
    fn grow(&mut self, hashes: &[u64], numbers: &[u32]) {
        self.pages.push(Page::new());
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
