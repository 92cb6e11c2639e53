//! The time zone of a policy: what the clock on the wall says.
//!
//! In: a zone, columns of instants. Out: the same columns as wall times of the zone, without a zone, which is
//! how conditions read days and hours. Without a zone instants are read in UTC, and times that name no zone
//! are refused: nobody can say which instant they are.

use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::temporal_conversions::as_datetime_with_timezone;
use arrow_array::timezone::Tz;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, TimestampMicrosecondArray};
use arrow_schema::DataType;
use serde_json::{Map, Value};

use super::policy::Policy;
use super::read::Reader;
use crate::error::{Error, Place, Result};
use crate::expr::plain;

/// A time zone, by its name in the IANA database or as an offset such as `+08:00`.
#[derive(Clone)]
pub struct Zone {
    name: String,
    zone: Tz,
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Zone {
    /// The zone of a name; none where there is no such zone.
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(|zone| Self { name: name.to_owned(), zone })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the clock says at an instant, both in microseconds since 1970; an instant beyond the calendar
    /// stays.
    fn wall(&self, instant: i64) -> i64 {
        as_datetime_with_timezone::<TimestampMicrosecondType>(instant, self.zone)
            .map_or(instant, |time| time.naive_local().and_utc().timestamp_micros())
    }
}

impl Reader {
    /// The zone of a policy's file.
    pub(super) fn zone(&mut self, top: &Map<String, Value>) -> Option<Zone> {
        let name = self.optional_text(top, "", "time_zone")?;
        let told = "it is a zone of the IANA database such as `Asia/Shanghai` or `UTC`, or an offset such as \
                    `'+08:00'`";
        let refused = format!("`time_zone` is `{name}`; {told}");
        Zone::named(&name).or_else(|| self.refuse("value", "/time_zone", refused))
    }
}

impl Policy {
    /// The columns of a batch with instants as wall times of the policy's zone.
    ///
    /// # Errors
    /// `Schema`: times without a zone, and the policy names none.
    pub(super) fn wall_times<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
        columns: &[ArrayRef],
    ) -> Result<Vec<ArrayRef>> {
        let of = |(name, array): (&str, &ArrayRef)| {
            let DataType::Timestamp(_, own) = array.data_type() else { return Ok(array.clone()) };
            match (own, &self.zone) {
                (None, None) => {
                    let told = format!(
                        "column `{name}` holds times without a zone, and the policy has no `time_zone`; say \
                         there which clock they are read from, such as `time_zone: Asia/Shanghai` or \
                         `time_zone: UTC`"
                    );
                    Err(Error::schema(Place::default(), told))
                }
                (None, Some(_)) | (Some(_), None) => Ok(array.clone()),
                (Some(_), Some(zone)) => {
                    let instants = plain(name, array)?;
                    let instants = instants.as_primitive::<TimestampMicrosecondType>();
                    let wall: TimestampMicrosecondArray = instants.unary(|instant| zone.wall(instant));
                    Ok(Arc::new(wall) as ArrayRef)
                }
            }
        };
        names.into_iter().zip(columns).map(of).collect()
    }
}
