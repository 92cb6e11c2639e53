//! Running a segment: the interpreter that every form shares.

use super::planes::Planes;
use super::program::{Fixed, Run, Segment, Start, Sums, Tree};
use super::tables::Kind;
use super::word::{Word, muxes, pairs, triples};
use super::{GROUP, LINE_ROWS, LINES, Line, ROWS, lines_of, scalar};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512, form::Form};

/// A number that a run adds.
pub(super) trait Value: Copy {
    /// What it is, for loops that are written for one of them.
    const IS: Sum;
    /// The number that an output stands for; a unit is that of integers.
    fn of(output: f64, unit: f64) -> Self;
    /// What is written to an output.
    fn output(self, unit: f64) -> f64;
    /// The sum.
    fn plus(self, other: Self) -> Self;
}

/// The types of sums.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sum {
    F64,
    F32,
    I32,
}

impl Value for f64 {
    const IS: Sum = Sum::F64;

    fn of(output: f64, _: f64) -> Self {
        output
    }

    fn output(self, _: f64) -> f64 {
        self
    }

    fn plus(self, other: Self) -> Self {
        self + other
    }
}

impl Value for f32 {
    const IS: Sum = Sum::F32;

    fn of(output: f64, _: f64) -> Self {
        output as Self
    }

    fn output(self, _: f64) -> f64 {
        self.into()
    }

    fn plus(self, other: Self) -> Self {
        self + other
    }
}

impl Value for i32 {
    const IS: Sum = Sum::I32;

    fn of(output: f64, unit: f64) -> Self {
        (output / unit) as Self
    }

    fn output(self, unit: f64) -> f64 {
        f64::from(self) * unit
    }

    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

/// What differs between the forms.
pub(super) trait Kernel {
    /// The words of its planes.
    type Word: Word;
    /// For each row the place of its sum of doubles.
    const WIDE: [u16; ROWS];
    /// For each row the place of its sum of single precision or integers.
    const NARROW: [u16; ROWS];

    /// Writes a byte for each row of the first `N` lines, in the form's order of rows: the bits of eight planes, that of
    /// the first lowest.
    ///
    /// # Safety
    /// The planes are there, `out` has room for [`ROWS`] bytes and begins at a multiple of 64, and the processor has
    /// the form's instructions.
    unsafe fn codes<const N: usize>(planes: *const u8, code: &[u16; 8], out: *mut u8);

    /// Adds the values of some trees to the sums of the first `rows` rows (of whole lines), which are in the form's order.
    ///
    /// # Safety
    /// The tables are those of the trees, checked for the form and for sums of this type; the codes of each tree,
    /// [`CODE_BYTES`] after those of the one before, are below the length of its table, and `sums` has room for
    /// [`ROWS`] sums and begins at a multiple of 64. The processor has the form's instructions.
    unsafe fn add<V: Value>(
        trees: &[Tree],
        tables: [*const u8; 2],
        codes: *const u8,
        sums: *mut V,
        rows: usize,
    );
}

/// Bytes between the codes of one tree and the next: low bytes, then high bytes.
pub(super) const CODE_BYTES: usize = 2 * ROWS;

/// Memory that a segment works in, beside the planes.
pub struct Workspace {
    codes: Vec<Line>,
    sums: Vec<Line>,
}

impl Workspace {
    /// Room for the codes of a few trees and for one output.
    pub fn new() -> Self {
        let lines = |bytes: usize| vec![Line::default(); bytes / size_of::<Line>()];
        Self { codes: lines(GROUP * CODE_BYTES), sums: lines(ROWS * size_of::<f64>()) }
    }

    /// Bytes of a workspace.
    pub const fn bytes() -> usize {
        GROUP * CODE_BYTES + ROWS * size_of::<f64>()
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Self::new()
    }
}

impl Segment {
    /// Evaluates the trees for the rows whose inputs stand in the planes, and writes those that `outputs` has room for,
    /// `width` numbers for each row. With `fast`, runs that have integers add these.
    ///
    /// # Panics
    /// If there are fewer planes, columns of categories or outputs than the program names, or more than [`ROWS`] rows.
    pub fn run(
        &self,
        planes: &mut Planes,
        columns: &[[u32; ROWS]],
        workspace: &mut Workspace,
        fast: bool,
        width: usize,
        outputs: &mut [f64],
    ) {
        let rows = outputs.len() / width.max(1);
        assert!(rows <= ROWS && outputs.len() == rows * width && self.outputs <= width);
        assert!(self.planes <= planes.count() && self.columns <= columns.len());
        let mut first = usize::from(self.first_test) + self.pairs.len() + self.triples.len();
        for tests in &self.sets {
            tests.run(columns, planes, first, lines_of(rows));
            first += tests.count as usize;
        }
        let mut out = Rows { rows, width, fast, outputs };
        match self.form {
            // SAFETY: every plane exists (above), and the form was available when the program was built.
            #[cfg(target_arch = "x86_64")]
            Form::Vbmi => unsafe { avx512::run_vbmi(self, planes, workspace, &mut out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Form::Avx512 => unsafe { avx512::run(self, planes, workspace, &mut out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Form::Avx2 => unsafe { avx2::run(self, planes, workspace, &mut out) },
            // SAFETY: as above.
            _ => unsafe { interpret::<scalar::Portable>(self, planes, workspace, &mut out) },
        }
    }
}

/// Where the outputs of a step go.
pub(super) struct Rows<'a> {
    rows: usize,
    width: usize,
    fast: bool,
    outputs: &'a mut [f64],
}

/// Runs a segment.
///
/// # Safety
/// The planes that it names exist, and the processor has the form's instructions.
#[inline(always)]
pub(super) unsafe fn interpret<K: Kernel>(
    segment: &Segment,
    planes: &mut Planes,
    workspace: &mut Workspace,
    out: &mut Rows<'_>,
) {
    // SAFETY: promised by the caller.
    unsafe {
        match lines_of(out.rows) {
            1 => interpret_lines::<K, 1>(segment, planes, workspace, out),
            2 => interpret_lines::<K, 2>(segment, planes, workspace, out),
            _ => interpret_lines::<K, LINES>(segment, planes, workspace, out),
        }
    }
}

/// The same, for the first `N` lines of every plane.
///
/// # Safety
/// As for [`interpret`].
#[inline(always)]
unsafe fn interpret_lines<K: Kernel, const N: usize>(
    segment: &Segment,
    planes: &mut Planes,
    workspace: &mut Workspace,
    out: &mut Rows<'_>,
) {
    let planes = planes.start();
    let second = segment.first_test + segment.pairs.len() as u16;
    // SAFETY: promised by the caller; the program was checked when it was built.
    unsafe {
        pairs::<K::Word, N>(planes, &segment.pairs, segment.first_test);
        triples::<K::Word, N>(planes, &segment.triples, second);
        for run in &segment.runs {
            match (run.sums, run.fixed) {
                (_, Some(Fixed { unit, .. })) if out.fast => {
                    sum::<K, i32, N>(segment, run, unit, planes, workspace, out);
                }
                (Sums::F64, _) => sum::<K, f64, N>(segment, run, 1.0, planes, workspace, out),
                (Sums::F32, _) => sum::<K, f32, N>(segment, run, 1.0, planes, workspace, out),
            }
        }
    }
}

/// Adds the trees of a run.
///
/// # Safety
/// As for [`interpret`].
#[inline(always)]
unsafe fn sum<K: Kernel, V: Value, const N: usize>(
    segment: &Segment,
    run: &Run,
    unit: f64,
    planes: *mut u8,
    workspace: &mut Workspace,
    out: &mut Rows<'_>,
) {
    let places = if V::IS == Sum::F64 { &K::WIDE } else { &K::NARROW };
    let sums: *mut V = workspace.sums.as_mut_ptr().cast();
    let codes: *mut u8 = workspace.codes.as_mut_ptr().cast();
    // SAFETY: there is room for as many sums of at most eight bytes; any bits are such numbers.
    let all = unsafe { std::slice::from_raw_parts_mut(sums, ROWS) };
    match run.start {
        Start::Base(base) => {
            let fixed = run.fixed.filter(|_| V::IS == Sum::I32);
            all.fill(V::of(fixed.map_or(base, |fixed| f64::from(fixed.base) * unit), unit));
        }
        Start::Output => {
            for row in 0..out.rows {
                all[usize::from(places[row])] = V::of(out.outputs[row * out.width + run.output], unit);
            }
        }
    }
    let mut next = match run.trees.start {
        0 => 0,
        first => segment.trees[first - 1].muxes_end as usize,
    };
    for trees in segment.trees[run.trees.clone()].chunks(GROUP) {
        for (number, tree) in trees.iter().enumerate() {
            let end = tree.muxes_end as usize;
            // SAFETY: the planes exist; a group has room for the codes of as many trees.
            unsafe {
                muxes::<K::Word, N>(planes, &segment.muxes[next..end]);
                let out = codes.add(number * CODE_BYTES);
                let [low, high] = halves(&tree.code);
                K::codes::<N>(planes, low, out);
                if tree.kind == Kind::Deep {
                    K::codes::<N>(planes, high, out.add(ROWS));
                }
            }
            next = end;
        }
        // SAFETY: the tables belong to the trees; codes have as many bits as the tables were checked for.
        unsafe { K::add::<V>(trees, segment.tables.starts(), codes, sums, N * LINE_ROWS) };
    }
    // SAFETY: as above; the slice of before is not used any more.
    let all = unsafe { std::slice::from_raw_parts(sums, ROWS) };
    // The mask changes no place; with it the compiler sees that there are as many.
    let found = places.iter().map(|&place| all[usize::from(place) & (ROWS - 1)].output(unit));
    if out.width == 1 {
        out.outputs.iter_mut().zip(found).for_each(|(output, found)| *output = found);
    } else {
        let outputs = out.outputs[run.output..].iter_mut().step_by(out.width);
        outputs.zip(found).take(out.rows).for_each(|(output, found)| *output = found);
    }
}

/// The planes of the low byte of a code, and those of the high byte.
#[inline(always)]
fn halves(code: &[u16; super::MOST_BITS]) -> [&[u16; 8]; 2] {
    let (halves, _) = code.as_chunks::<8>();
    [&halves[0], &halves[1]]
}

/// The place of each row where every line is laid out in the same way.
#[cfg(target_arch = "x86_64")]
pub(super) const fn places(of_line: [u16; 512]) -> [u16; ROWS] {
    let mut places = [0; ROWS];
    let mut row = 0;
    while row < ROWS {
        places[row] = (row / 512 * 512) as u16 + of_line[row % 512];
        row += 1;
    }
    places
}
