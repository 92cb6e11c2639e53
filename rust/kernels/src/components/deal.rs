//! Pairs dealt to parts by the first bits of their hash.
//!
//! In: blocks of hashes and numbers. Out: for each value of the first bits its pairs, in the order in which
//! they came. Pairs go to a part eight at a time, so that a line of memory is written whole. Pages that a part gives
//! back are written again: fresh memory costs more than all the rest.

/// Pairs of a page.
const PAGE: usize = 1 << 10;
/// Pairs that wait before they go to a page together.
const LINE: usize = 8;
/// Pages of the first block; each block has twice those of the one before, up to [`MOST_PAGES`].
const FIRST_PAGES: usize = 4;
/// The most pages of a block: 2 MiB of hashes.
const MOST_PAGES: usize = 256;

/// Memory for several pages.
#[derive(Debug)]
struct Block {
    hashes: Box<[u64]>,
    numbers: Box<[u32]>,
}

/// Where a page stands, and how many pairs it has.
#[derive(Clone, Copy, Debug)]
struct Page {
    block: u32,
    start: u32,
    length: u32,
}

/// Deals pairs to parts; one for each thread.
#[derive(Debug)]
pub struct Dealer {
    bits: u32,
    /// For each part its pages; all but the last one are full but for less than a line.
    parts: Vec<Vec<Page>>,
    lines: Vec<Line>,
    blocks: Vec<Block>,
    free: Vec<Page>,
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
        let parts = 1 << bits;
        Self {
            bits,
            parts: vec![Vec::new(); parts],
            lines: vec![Line::default(); parts],
            blocks: Vec::new(),
            free: Vec::new(),
        }
    }

    /// How many parts.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Bits by which pairs are dealt.
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// Deals pairs. Those that came last may wait: see [`settle`](Self::settle).
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn deal(&mut self, hashes: &[u64], numbers: &[u32]) {
        assert_eq!(hashes.len(), numbers.len());
        hashes.iter().zip(numbers).for_each(|(&hash, &number)| self.push(hash, number, true));
    }

    /// Deals a pair if it is wanted. It is written in any case and counted or not, as no processor foresees a choice
    /// by hash.
    #[inline(always)]
    pub fn push(&mut self, hash: u64, number: u32, wanted: bool) {
        let part = (hash >> (64 - self.bits)) as usize;
        let line = &mut self.lines[part];
        let at = line.length as usize % LINE;
        line.hashes[at] = hash;
        line.numbers[at] = number;
        line.length += u32::from(wanted);
        if line.length as usize == LINE {
            self.write(part);
        }
    }

    /// Brings the pairs that wait to their parts.
    pub fn settle(&mut self) {
        (0..self.lines.len()).for_each(|part| self.write(part));
    }

    /// Writes what waits for a part to its last page.
    fn write(&mut self, part: usize) {
        let length = self.lines[part].length as usize;
        let fits = |page: &Page| page.length as usize + length <= PAGE;
        if !self.parts[part].last().is_some_and(fits) && length > 0 {
            self.begin(part);
        }
        let Some(page) = self.parts[part].last_mut() else { return };
        let start = (page.start + page.length) as usize;
        page.length += length as u32;
        let (block, line) = (&mut self.blocks[page.block as usize], &mut self.lines[part]);
        line.length = 0;
        // A whole line has a length known beforehand, and is copied at once.
        if length == LINE {
            block.hashes[start..start + LINE].copy_from_slice(&line.hashes);
            block.numbers[start..start + LINE].copy_from_slice(&line.numbers);
        } else {
            block.hashes[start..start + length].copy_from_slice(&line.hashes[..length]);
            block.numbers[start..start + length].copy_from_slice(&line.numbers[..length]);
        }
    }

    /// Begins a page of a part.
    #[cold]
    fn begin(&mut self, part: usize) {
        if self.free.is_empty() {
            let pages = (FIRST_PAGES << self.blocks.len().min(16)).min(MOST_PAGES);
            let block = self.blocks.len() as u32;
            let page = |page: usize| Page { block, start: (page * PAGE) as u32, length: 0 };
            self.free.extend((0..pages).rev().map(page));
            self.blocks.push(Block {
                hashes: vec![0; pages * PAGE].into_boxed_slice(),
                numbers: vec![0; pages * PAGE].into_boxed_slice(),
            });
        }
        self.parts[part].extend(self.free.pop());
    }

    /// How many pairs a part has.
    ///
    /// # Panics
    /// If there is no such part.
    pub fn len(&self, part: usize) -> usize {
        self.parts[part].iter().map(|page| page.length as usize).sum()
    }

    /// The pairs of a part, page by page.
    ///
    /// # Panics
    /// If there is no such part.
    pub fn pages(&self, part: usize) -> impl Iterator<Item = (&[u64], &[u32])> {
        self.parts[part].iter().map(|page| {
            let block = &self.blocks[page.block as usize];
            let pairs = page.start as usize..(page.start + page.length) as usize;
            (&block.hashes[pairs.clone()], &block.numbers[pairs])
        })
    }

    /// Forgets the pairs of some parts; their pages are written again.
    ///
    /// # Panics
    /// If there are no such parts.
    pub fn forget(&mut self, parts: std::ops::Range<usize>) {
        for part in &mut self.parts[parts] {
            self.free.extend(part.drain(..).map(|page| Page { length: 0, ..page }));
        }
    }
}
