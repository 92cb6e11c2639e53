//! Arrow IPC files and streams, `.feather` included.
//!
//! In: a file. Out: its record batches, with only the wanted columns decoded. Both forms are lists of messages;
//! the list is taken from the footer, or by going from message to message, and then cut into tasks, each of
//! which reads its batches through a handle of its own (law 2: where the cuts are changes nothing).
//!
//! Every length is compared with the file's before memory is asked for: a damaged length of some terabytes
//! would otherwise end the process.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, MessageHeader, MetadataVersion, root_as_footer, root_as_message};
use arrow_schema::{Schema, SchemaRef};
use creditcore::batch::{Batch, Sink, Wanted};
use creditcore::error::Place;
use creditcore::exec::Control;
use creditcore::{Error, Result};

use crate::guard;

/// The first bytes of the random-access form, and its last ones.
pub(crate) const MAGIC: &[u8] = b"ARROW1";
/// The first bytes of a stream.
pub(crate) const CONTINUATION: &[u8] = &[0xff; 4];
/// Rows of a batch that is handed on; larger ones are cut.
const BATCH_ROWS: usize = 1 << 16;
/// Tasks of a file: enough for every thread to be busy to the end.
const MOST_TASKS: usize = 64;
/// Tasks of a file with dictionaries, which every task reads anew.
const MOST_TASKS_WITH_DICTIONARIES: usize = 8;
/// Bytes that a compressed buffer may have when it is decompressed.
const MOST_BUFFER_BYTES: i64 = 1 << 32;

/// A record batch or a dictionary.
struct Message {
    block: Block,
    /// How many rows; none in a dictionary.
    rows: Option<u64>,
}

/// An Arrow IPC file's schema and the list of its messages.
pub(crate) struct IpcFile {
    path: Arc<str>,
    schema: SchemaRef,
    version: MetadataVersion,
    messages: Vec<Message>,
    tasks: Vec<Range<usize>>,
    pub(crate) names: Vec<String>,
}

/// What went wrong, before the file's name is put in front.
type Fault<T> = std::result::Result<T, String>;

impl IpcFile {
    /// Reads the schema and the messages' places.
    pub(crate) fn open(path: &str) -> Result<Self> {
        let mut file = File::open(path).map_err(|error| crate::unreadable(path, &error))?;
        let size = file.metadata().map_err(|error| crate::unreadable(path, &error))?.len();
        if size == 0 {
            return Err(Error::source(
                Place::file(path),
                "the file is empty; an Arrow file has a schema at least",
            ));
        }
        let mut head = [0; MAGIC.len()];
        let random_access = file.read_exact(&mut head).is_ok() && head == *MAGIC;
        let listed = guard::decode(|| {
            if random_access { by_footer(&mut file, size) } else { by_walking(&mut file, size) }
        });
        let (schema, version, messages) = listed.map_err(|fault| damaged(path, &fault))?;
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        let tasks = cut(&messages);
        Ok(Self { path: path.into(), schema: Arc::new(schema), version, messages, tasks, names })
    }

    pub(crate) fn tasks(&self) -> usize {
        self.tasks.len()
    }

    pub(crate) fn rows(&self) -> u64 {
        rows_of(&self.messages)
    }

    /// Reads one task's batches.
    pub(crate) fn read(
        &self,
        task: usize,
        wanted: &[Wanted],
        control: &Control,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let (positions, projected) = crate::projection(&self.path, &self.schema, &self.names, wanted)?;
        let range = self.tasks[task].clone();
        let mut first_row = rows_of(&self.messages[..range.start]);
        let mut file = File::open(&*self.path).map_err(|error| crate::unreadable(&self.path, &error))?;
        let mut decoder =
            FileDecoder::new(self.schema.clone(), self.version).with_projection(projected.clone());
        for (index, message) in self.messages[..range.end].iter().enumerate() {
            control.check()?;
            if index < range.start && message.rows.is_some() {
                continue;
            }
            let batch = guard::decode(|| read_message(&mut decoder, &mut file, message));
            let Some(batch) = batch.map_err(|fault| damaged(&self.path, &fault))? else { continue };
            for start in (0..batch.num_rows()).step_by(BATCH_ROWS) {
                control.check()?;
                let rows = BATCH_ROWS.min(batch.num_rows() - start);
                let at = |position| projected.iter().position(|known| known == position).unwrap_or_default();
                let columns =
                    positions.iter().map(|position| batch.column(at(position)).slice(start, rows)).collect();
                sink(&Batch { columns, rows, source: self.path.clone(), first_row, kept: None })?;
                first_row += rows as u64;
                control.advance(rows as u64);
            }
        }
        Ok(())
    }
}

fn rows_of(messages: &[Message]) -> u64 {
    messages.iter().filter_map(|message| message.rows).sum()
}

/// Ranges of messages with about as many batches each; one at least, so that the columns are always checked.
fn cut(messages: &[Message]) -> Vec<Range<usize>> {
    let batches = messages.iter().filter(|message| message.rows.is_some()).count();
    let most = if batches < messages.len() { MOST_TASKS_WITH_DICTIONARIES } else { MOST_TASKS };
    let tasks = batches.clamp(1, most);
    let ends = (0..=tasks).map(|task| messages.len() * task / tasks);
    ends.clone().zip(ends.skip(1)).map(|(start, end)| start..end).collect()
}

/// The messages of a random-access file, by its footer: dictionaries first, as they are needed first.
fn by_footer(file: &mut File, size: u64) -> Fault<(Schema, MetadataVersion, Vec<Message>)> {
    let tail = size.checked_sub(10).ok_or("the file has no footer")?;
    let length = read_footer_length(bytes_at(file, size, tail, 10)?.as_slice().try_into().map_err(text)?)
        .map_err(text)?;
    let start = tail.checked_sub(length as u64).ok_or("the footer is longer than the file")?;
    let bytes = bytes_at(file, size, start, length as u64)?;
    let footer = root_as_footer(&bytes).map_err(text)?;
    let schema = footer.schema().ok_or("the footer has no schema")?;
    if !schema.endianness().equals_to_target_endianness() {
        return Err("its numbers have another byte order".to_owned());
    }
    let blocks =
        footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten());
    let mut messages = Vec::new();
    for block in blocks {
        let offset = u64::try_from(block.offset()).map_err(text)?;
        let length = u64::try_from(block.metaDataLength()).map_err(text)?;
        let metadata = bytes_at(file, size, offset, length)?;
        messages.push(message_of(flatbuffer(&metadata)?, *block, size)?.ok_or("a block is no batch")?);
    }
    Ok((fb_to_schema(schema), footer.version(), messages))
}

/// The messages of a stream, one after the other, their bodies skipped.
fn by_walking(file: &mut File, size: u64) -> Fault<(Schema, MetadataVersion, Vec<Message>)> {
    let mut schema = None;
    let mut messages = Vec::new();
    let mut at = 0;
    // A stream may end without its end marker, but not within a message.
    while at < size {
        let word = bytes_at(file, size, at, 4)?;
        let marked = word.as_slice() == CONTINUATION;
        let (prefix, word) = if marked { (8, bytes_at(file, size, at + 4, 4)?) } else { (4, word) };
        let length = i32::from_le_bytes(word.as_slice().try_into().map_err(text)?);
        if length == 0 {
            break;
        }
        let block_length =
            length.checked_add(prefix).filter(|_| length > 0).ok_or("a message of no possible length")?;
        let metadata = bytes_at(file, size, at, block_length as u64)?;
        let bytes = flatbuffer(&metadata)?;
        let message = root_as_message(bytes).map_err(text)?;
        let offset = i64::try_from(at).map_err(text)?;
        let block = Block::new(offset, block_length, message.bodyLength());
        if let Some(found) = message.header_as_schema() {
            if !found.endianness().equals_to_target_endianness() {
                return Err("its numbers have another byte order".to_owned());
            }
            schema = schema.or(Some((fb_to_schema(found), message.version())));
        }
        messages.extend(message_of(bytes, block, size)?);
        at += block_length as u64 + u64::try_from(message.bodyLength()).map_err(text)?;
    }
    let (schema, version) = schema.ok_or("there is no schema")?;
    Ok((schema, version, messages))
}

/// A message's rows; none for a schema. Its body must lie within the file.
fn message_of(bytes: &[u8], block: Block, size: u64) -> Fault<Option<Message>> {
    let message = root_as_message(bytes).map_err(text)?;
    let body = u64::try_from(block.bodyLength()).map_err(text)?;
    let start =
        u64::try_from(block.offset()).map_err(text)? + u64::try_from(block.metaDataLength()).map_err(text)?;
    if body > size.saturating_sub(start) {
        return Err("a message goes beyond the end of the file".to_owned());
    }
    Ok(match (message.header_as_record_batch(), message.header_type()) {
        (Some(batch), _) => Some(Message { block, rows: Some(u64::try_from(batch.length()).map_err(text)?) }),
        (None, MessageHeader::DictionaryBatch) => Some(Message { block, rows: None }),
        _ => None,
    })
}

/// Decodes one message: takes in a dictionary, gives back a record batch.
fn read_message(decoder: &mut FileDecoder, file: &mut File, message: &Message) -> Fault<Option<RecordBatch>> {
    let block = &message.block;
    // All three were checked when the file was opened.
    let length = block.metaDataLength() as u64 + block.bodyLength() as u64;
    let size = file.metadata().map_err(text)?.len();
    let bytes = Buffer::from(bytes_at(file, size, block.offset() as u64, length)?);
    check_compressed(&bytes, block)?;
    let Some(rows) = message.rows else {
        decoder.read_dictionary(block, &bytes).map_err(text)?;
        return Ok(None);
    };
    let batch = decoder.read_record_batch(block, &bytes).map_err(text)?.ok_or("a block is no batch")?;
    if batch.num_rows() as u64 != rows {
        return Err(format!("a batch has {} rows where it had {rows}", batch.num_rows()));
    }
    Ok(Some(batch))
}

/// Refuses compressed buffers that say they have more bytes than a batch can have.
fn check_compressed(bytes: &Buffer, block: &Block) -> Fault<()> {
    let message = root_as_message(flatbuffer(bytes)?).map_err(text)?;
    let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else { return Ok(()) };
    if batch.compression().is_none() {
        return Ok(());
    }
    let body = bytes.get(block.metaDataLength() as usize..).unwrap_or_default();
    for buffer in batch.buffers().into_iter().flatten() {
        let start = usize::try_from(buffer.offset()).unwrap_or(usize::MAX);
        let Some(prefix) = body.get(start..).and_then(|rest| rest.first_chunk::<8>()) else { continue };
        let length = i64::from_le_bytes(*prefix);
        if buffer.length() >= 8 && length > MOST_BUFFER_BYTES {
            return Err(format!(
                "a compressed buffer of {length} bytes; at most {MOST_BUFFER_BYTES} are allowed"
            ));
        }
    }
    Ok(())
}

/// The flatbuffer of a message, behind its length.
fn flatbuffer(bytes: &[u8]) -> Fault<&[u8]> {
    let prefix = if bytes.starts_with(CONTINUATION) { 8 } else { 4 };
    bytes.get(prefix..).ok_or_else(|| "a message is cut short".to_owned())
}

/// Bytes of the file, aligned as the decoder likes them.
fn bytes_at(file: &mut File, size: u64, start: u64, length: u64) -> Fault<MutableBuffer> {
    if length > size.saturating_sub(start) {
        return Err("a message goes beyond the end of the file".to_owned());
    }
    let mut bytes = MutableBuffer::from_len_zeroed(usize::try_from(length).map_err(text)?);
    file.seek(SeekFrom::Start(start)).map_err(text)?;
    file.read_exact(&mut bytes).map_err(text)?;
    Ok(bytes)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn damaged(path: &str, fault: &str) -> Error {
    Error::source(
        Place::file(path),
        format!(
            "the Arrow file cannot be read: {fault}; it may be cut short or damaged: copy or write it again"
        ),
    )
}
