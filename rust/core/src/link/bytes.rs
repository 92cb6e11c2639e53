//! The byte form of a network: equal networks have equal bytes, however they came about.
//!
//! In: a [`Network`], or bytes. Out: bytes, or the network. The form, in `docs/formats/network.md`, holds the plan
//! and the records; links are made again. Bytes that were cut or changed are refused, and no length is believed
//! before as many bytes are there.

use super::key::{Keys, Texts};
use super::links::NO_TIME;
use super::network::Network;
use super::plan::Plan;
use super::records::{MOST_LINKS, Records, Shown};
use super::values::Met;
use crate::error::{Error, Place, Result};
use crate::exec::Control;
use crate::id::siphash;

/// The form's name; its last three bytes are the version.
const MAGIC: &[u8; 8] = b"CCNET001";

impl Network {
    /// The byte form.
    ///
    /// # Errors
    /// Only a request to stop.
    pub fn to_bytes(&self, control: &Control) -> Result<Vec<u8>> {
        let records = &self.records;
        let mut bytes = MAGIC.to_vec();
        let plan = serde_json::to_vec(&self.plan()).unwrap_or_default();
        bytes.extend_from_slice(&(plan.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&plan);
        bytes.extend_from_slice(&self.fingerprint.to_le_bytes());
        bytes.extend_from_slice(&(records.people() as u32).to_le_bytes());
        bytes.extend_from_slice(&(records.len() as u32).to_le_bytes());
        write_keys(&mut bytes, &records.keys);
        control.check()?;
        records.times.iter().for_each(|time| bytes.extend_from_slice(&time.to_le_bytes()));
        records.starts[1..].iter().for_each(|end| bytes.extend_from_slice(&end.to_le_bytes()));
        bytes.extend_from_slice(&records.links.types);
        bytes.extend_from_slice(&records.links.roles);
        control.check()?;
        records.links.hashes.iter().for_each(|hash| bytes.extend_from_slice(&hash.to_le_bytes()));
        records.links.times.iter().for_each(|time| bytes.extend_from_slice(&time.to_le_bytes()));
        control.check()?;
        let checksum = siphash([0, 0], &bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        Ok(bytes)
    }

    /// Reads the byte form.
    ///
    /// # Errors
    /// Bytes that are cut short, changed, of another version, or no network.
    pub fn from_bytes(bytes: &[u8], threads: usize, control: &Control) -> Result<Self> {
        let refuse = |what: &str| Error::format(Place::file("network"), what);
        if !bytes.starts_with(MAGIC) {
            return Err(refuse("the bytes are no network of this version; write them again"));
        }
        let Some((body, checksum)) = bytes.split_last_chunk::<8>() else {
            return Err(refuse("the bytes are cut short; write them again"));
        };
        if siphash([0, 0], body) != u64::from_le_bytes(*checksum) {
            return Err(refuse(
                "the bytes were changed or cut short (the checksum differs); write them again",
            ));
        }
        let (plan, fingerprint, records) = read_body(&body[MAGIC.len()..])
            .ok_or_else(|| refuse("the bytes do not follow the form of a network"))?;
        check(&plan, &records)
            .map_err(|what| refuse(&format!("the bytes do not follow the form of a network: {what}")))?;
        Self::of_records(plan, fingerprint, records, Met::new(), threads, control)
    }
}

fn write_keys(bytes: &mut Vec<u8>, keys: &Keys) {
    match keys {
        Keys::Signed(keys) => {
            bytes.push(0);
            keys.iter().for_each(|key| bytes.extend_from_slice(&key.to_le_bytes()));
        }
        Keys::Unsigned(keys) => {
            bytes.push(1);
            keys.iter().for_each(|key| bytes.extend_from_slice(&key.to_le_bytes()));
        }
        Keys::Text(keys) => {
            bytes.push(2);
            for at in 0..keys.len() {
                bytes.extend_from_slice(&(keys.get(at).len() as u32).to_le_bytes());
                bytes.extend_from_slice(keys.get(at));
            }
        }
    }
}

/// Takes what it reads from the front of the bytes.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        let (taken, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*taken))
    }

    fn u32s(&mut self, count: usize) -> Option<Vec<u32>> {
        let taken = self.take(count.checked_mul(4)?)?;
        Some(taken.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    fn u64s(&mut self, count: usize) -> Option<Vec<u64>> {
        let taken = self.take(count.checked_mul(8)?)?;
        Some(taken.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
    }

    fn keys(&mut self, people: usize) -> Option<Keys> {
        match self.take(1)?[0] {
            0 => Some(Keys::Signed(self.u64s(people)?.into_iter().map(|key| key as i64).collect())),
            1 => Some(Keys::Unsigned(self.u64s(people)?)),
            2 => {
                let mut texts = Texts::default();
                for _ in 0..people {
                    let length = self.u32()? as usize;
                    let text = self.take(length)?;
                    std::str::from_utf8(text).ok()?;
                    texts.push(text);
                }
                Some(Keys::Text(texts))
            }
            _ => None,
        }
    }
}

fn read_body(body: &[u8]) -> Option<(Plan, u64, Records)> {
    let mut bytes = Bytes(body);
    let length = bytes.u32()? as usize;
    let plan = serde_json::from_slice(bytes.take(length)?).ok()?;
    let fingerprint = bytes.u64s(1)?[0];
    let (people, links) = (bytes.u32()? as usize, bytes.u32()? as usize);
    if people > MOST_LINKS || links > MOST_LINKS {
        return None;
    }
    let keys = bytes.keys(people)?;
    let times = bytes.u32s(people)?;
    let mut starts = vec![0];
    starts.extend(bytes.u32s(people)?);
    let links = Shown {
        types: bytes.take(links)?.to_vec(),
        roles: bytes.take(links)?.to_vec(),
        hashes: bytes.u64s(links)?,
        times: bytes.u32s(links)?,
    };
    bytes.0.is_empty().then_some((plan, fingerprint, Records { keys, times, starts, links }))
}

/// Whether what was read is what a network writes.
fn check(plan: &Plan, records: &Records) -> std::result::Result<(), String> {
    let settings = plan.settle().map_err(|error| error.to_string())?.settings;
    if !records.keys.ascend() {
        return Err("keys do not ascend".to_owned());
    }
    if !records.starts.is_sorted() || records.starts.last().map(|&end| end as usize) != Some(records.len()) {
        return Err("the links of people overlap".to_owned());
    }
    let known = |numbers: &[u8], count: usize| numbers.iter().all(|&number| usize::from(number) < count);
    if !known(&records.links.types, settings.types.len())
        || !known(&records.links.roles, settings.roles.len())
    {
        return Err("a link has a type or a role that is not there".to_owned());
    }
    let mut own = Vec::new();
    for person in 0..records.people() {
        let range = records.range(person);
        own.clear();
        own.extend_from_slice(&records.links.hashes[range.clone()]);
        own.sort_unstable();
        if own.windows(2).any(|pair| pair[0] == pair[1]) || !records.links.types[range.clone()].is_sorted() {
            return Err("a person shows an identifier twice".to_owned());
        }
        let latest = records.times[person];
        if records.links.times[range].iter().any(|&time| time != NO_TIME && time > latest) {
            return Err("a link is later than its person".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

    use super::*;
    use crate::batch::Frame;
    use crate::id::HashKey;

    fn network(keys: ArrayRef) -> Network {
        let devices: ArrayRef = Arc::new(StringArray::from(vec!["a", "a", "b"]));
        let days: ArrayRef = Arc::new(Int64Array::from(vec![Some(9), None, Some(20_000)]));
        let batch = RecordBatch::try_from_iter([("key", keys), ("device", devices), ("day", days)]);
        let names = ["key", "device", "day"].map(str::to_owned).to_vec();
        let frame = Frame::new(names, vec![batch.expect("columns of one length")]);
        let plan =
            r#"{"key": "key", "time": "day", "identifiers": [{"name": "device", "columns": ["device"]}]}"#;
        let plan: Plan = serde_json::from_str(plan).expect("a plan");
        Network::build(&frame, plan, &HashKey::new([1; 16]), 1, &Control::default()).expect("a network")
    }

    #[test]
    fn wrong_content_under_a_right_checksum_is_refused_or_read_and_never_panics() {
        let keys: [ArrayRef; 2] =
            [Arc::new(Int64Array::from(vec![5, -1, 7])), Arc::new(StringArray::from(vec!["x", "", "y"]))];
        let (mut read, mut refused) = (0, 0);
        for keys in keys {
            let bytes = network(keys).to_bytes(&Control::default()).expect("not stopped");
            let again = Network::from_bytes(&bytes, 1, &Control::default()).expect("what was written");
            assert_eq!(again.to_bytes(&Control::default()).expect("not stopped"), bytes);
            for at in 8..bytes.len() - 8 {
                for value in [0, 1, 2, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at].wrapping_add(1)] {
                    let mut broken = bytes[..bytes.len() - 8].to_vec();
                    broken[at] = value;
                    let checksum = siphash([0, 0], &broken);
                    broken.extend_from_slice(&checksum.to_le_bytes());
                    match Network::from_bytes(&broken, 1, &Control::default()) {
                        Ok(network) => {
                            read += usize::from(network.to_bytes(&Control::default()).is_ok());
                        }
                        Err(error) => refused += usize::from(matches!(error, Error::Format { .. })),
                    }
                }
            }
            assert!(read > 0 && refused > 0);
        }
    }
}
