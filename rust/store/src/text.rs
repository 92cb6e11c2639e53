//! Bytes of a text file as UTF-8: decompressed, decoded, without a byte order mark.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use creditcore::{Error, Result};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};
use flate2::bufread::MultiGzDecoder;

/// The first bytes of a gzip file.
pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BLOCK: usize = 1 << 16;

/// The encoding of that name; UTF-8 by default.
pub(crate) fn encoding(name: Option<&str>) -> Result<&'static Encoding> {
    let name = name.unwrap_or("utf-8");
    Encoding::for_label(name.as_bytes()).ok_or_else(|| {
        Error::argument(format!(
            "`encoding` is `{name}`; allowed are `utf-8`, `gb18030` and other names of the web"
        ))
    })
}

/// Opens a text file; gzip is told by its first bytes.
pub(crate) fn open(path: &str, encoding: &'static Encoding) -> Result<Box<dyn Read>> {
    let file = File::open(path).map_err(|error| crate::unreadable(path, &error))?;
    let mut file = BufReader::with_capacity(BLOCK, file);
    let packed = file.fill_buf().map_err(|error| crate::unreadable(path, &error))?.starts_with(&GZIP_MAGIC);
    let bytes: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(if encoding == UTF_8 {
        Box::new(WithoutMark::new(bytes))
    } else {
        Box::new(Decoded::new(bytes, encoding))
    })
}

/// UTF-8 without the byte order mark that it may begin with. Checked later, where a bad byte's row is known.
struct WithoutMark {
    bytes: Box<dyn Read>,
    head: Vec<u8>,
    started: bool,
}

impl WithoutMark {
    fn new(bytes: Box<dyn Read>) -> Self {
        Self { bytes, head: Vec::new(), started: false }
    }
}

impl Read for WithoutMark {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.started {
            self.started = true;
            self.bytes.by_ref().take(3).read_to_end(&mut self.head)?;
            if self.head == [0xef, 0xbb, 0xbf] {
                self.head.clear();
            }
        }
        if self.head.is_empty() {
            return self.bytes.read(out);
        }
        let count = self.head.len().min(out.len());
        out[..count].copy_from_slice(&self.head[..count]);
        self.head.drain(..count);
        Ok(count)
    }
}

/// Another encoding, decoded as it is read; a byte that means nothing in it is an error.
struct Decoded {
    bytes: Box<dyn Read>,
    decoder: Decoder,
    name: &'static str,
    input: Vec<u8>,
    output: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl Decoded {
    fn new(bytes: Box<dyn Read>, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder();
        Self {
            bytes,
            decoder,
            name: encoding.name(),
            input: Vec::new(),
            output: Vec::new(),
            taken: 0,
            ended: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut block = vec![0; BLOCK];
        let count = self.bytes.read(&mut block)?;
        self.ended = count == 0;
        self.input.extend_from_slice(&block[..count]);
        self.taken = 0;
        self.output.resize(self.decoder.max_utf8_buffer_length(self.input.len()).unwrap_or(4 * BLOCK), 0);
        let (result, read, written, bad) =
            self.decoder.decode_to_utf8(&self.input, &mut self.output, self.ended);
        if bad {
            let text = format!("a byte that means nothing in {}; name the file's own encoding", self.name);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        debug_assert_eq!(result, CoderResult::InputEmpty);
        self.input.drain(..read);
        self.output.truncate(written);
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.output.len() && !self.ended {
            self.fill()?;
        }
        let count = (self.output.len() - self.taken).min(out.len());
        out[..count].copy_from_slice(&self.output[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}
