//! Many short lists in one stretch of memory.
//!
//! In: values, one at a time or together. Out: a [`Block`] for each list. A block's room follows from its length, so
//! that no list keeps more; what becomes free is used again for a block of that room. Where lists grow one by one,
//! rooms are multiples of `STEP`, so that not every value moves a list.

use std::collections::BTreeMap;

/// Bytes that memory gives at a time.
const LINE: usize = 64;
/// So many of a list are asked for; the processor itself goes on with a longer one.
const MOST_LINES: usize = 4;

/// Where a list stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::link) struct Block {
    pub(in crate::link) start: u32,
    pub(in crate::link) length: u32,
}

/// Lists of values.
#[derive(Clone, Debug, Default)]
pub(in crate::link) struct Blocks<T, const STEP: u32 = 1> {
    items: Vec<T>,
    /// Free blocks, by their room.
    free: BTreeMap<u32, Vec<u32>>,
}

/// The room of a list: a multiple of `least`, and of many values in steps of an eighth.
fn room(length: u32, least: u32) -> u32 {
    let step = (length.next_power_of_two() / 8).max(least);
    length.div_ceil(step) * step
}

impl<T: Copy + Default, const STEP: u32> Blocks<T, STEP> {
    /// Lists of some lengths, one behind the other and not written yet, with room for so many values in all.
    pub(in crate::link) fn laid(lengths: impl Iterator<Item = u32>, values: usize) -> (Self, Vec<Block>) {
        let mut end = 0;
        let block = |length: u32| {
            let start = end;
            end += room(length, STEP);
            Block { start, length }
        };
        let laid = lengths.map(block).collect();
        let mut items = Vec::with_capacity(values.max(end as usize));
        items.resize(end as usize, T::default());
        (Self { items, free: BTreeMap::new() }, laid)
    }

    /// All values, those that lists have room for among them.
    pub(in crate::link) fn items_mut(&mut self) -> &mut [T] {
        &mut self.items
    }

    /// What a list of some length takes.
    pub(in crate::link) fn room_of(length: usize) -> usize {
        room(length as u32, STEP) as usize
    }

    /// Makes room for so many values in all.
    pub(in crate::link) fn reserve(&mut self, values: usize) {
        self.items.reserve_exact(values.saturating_sub(self.items.len()));
    }

    /// Makes room for so many times as many values.
    pub(in crate::link) fn reserve_times(&mut self, times: usize) {
        self.reserve(times * self.items.len());
    }

    /// The values of a list.
    #[inline(always)]
    pub(in crate::link) fn get(&self, block: Block) -> &[T] {
        &self.items[block.start as usize..][..block.length as usize]
    }

    /// Asks for the memory of a list.
    pub(in crate::link) fn expect(&self, block: Block) {
        let line = (LINE / size_of::<T>().max(1)).max(1);
        let values = block.start as usize..block.start as usize + block.length as usize;
        values.step_by(line).take(MOST_LINES).for_each(|at| creditcore_kernels::prefetch(&self.items, at));
    }

    /// The values of a list, to be changed.
    pub(in crate::link) fn get_mut(&mut self, block: Block) -> &mut [T] {
        &mut self.items[block.start as usize..][..block.length as usize]
    }

    /// A list of values.
    pub(in crate::link) fn add(&mut self, values: &[T]) -> Block {
        let length = values.len() as u32;
        let block = Block { start: self.take(room(length, STEP)), length };
        self.get_mut(block).copy_from_slice(values);
        block
    }

    /// Frees a list.
    pub(in crate::link) fn remove(&mut self, block: Block) {
        self.give(block.start, room(block.length, STEP));
    }

    /// Appends a value to a list, which may move.
    pub(in crate::link) fn push(&mut self, block: Block, value: T) -> Block {
        let grown = Block { length: block.length + 1, ..block };
        let grown = if room(grown.length, STEP) == room(block.length, STEP) {
            grown
        } else {
            let start = self.take(room(grown.length, STEP));
            self.items
                .copy_within(block.start as usize..(block.start + block.length) as usize, start as usize);
            self.remove(block);
            Block { start, ..grown }
        };
        self.items[(grown.start + block.length) as usize] = value;
        grown
    }

    /// Takes the value at a place out of a list; the last one comes to its place.
    pub(in crate::link) fn swap_remove(&mut self, block: Block, at: usize) -> Block {
        let values = self.get_mut(block);
        values[at] = values[values.len() - 1];
        let shrunk = Block { length: block.length - 1, ..block };
        let (before, after) = (room(block.length, STEP), room(shrunk.length, STEP));
        if after == before {
            return shrunk;
        }
        let start = self.take(after);
        self.items.copy_within(block.start as usize..(block.start + shrunk.length) as usize, start as usize);
        self.give(block.start, before);
        Block { start, ..shrunk }
    }

    fn take(&mut self, room: u32) -> u32 {
        if room == 0 {
            return 0;
        }
        if let Some(start) = self.free.get_mut(&room).and_then(Vec::pop) {
            return start;
        }
        let start = self.items.len();
        self.items.resize(start + room as usize, T::default());
        start as u32
    }

    fn give(&mut self, start: u32, room: u32) {
        if room > 0 {
            self.free.entry(room).or_default().push(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lists_hold_what_vectors_hold(
            steps in proptest::collection::vec((0..6_usize, 0..4_u8, 0..1_000_u32), 0..400),
            exact in any::<bool>(),
        ) {
            if exact {
                hold_what_vectors_hold(Blocks::<u32>::default(), &steps)?;
            } else {
                hold_what_vectors_hold(Blocks::<u32, 2>::default(), &steps)?;
            }
        }
    }

    fn hold_what_vectors_hold<const STEP: u32>(
        mut blocks: Blocks<u32, STEP>,
        steps: &[(usize, u8, u32)],
    ) -> Result<(), TestCaseError> {
        let mut lists: Vec<(Block, Vec<u32>)> = vec![(Block::default(), Vec::new()); 6];
        for &(list, step, value) in steps {
            let (block, twin) = &mut lists[list];
            if step == 0 && !twin.is_empty() {
                let at = value as usize % twin.len();
                *block = blocks.swap_remove(*block, at);
                twin.swap_remove(at);
            } else if step == 1 {
                blocks.remove(*block);
                twin.truncate(value as usize % 40);
                *block = blocks.add(twin);
            } else {
                *block = blocks.push(*block, value);
                twin.push(value);
            }
            for (block, twin) in &lists {
                prop_assert_eq!(blocks.get(*block), twin.as_slice());
            }
        }
        Ok(())
    }
}
