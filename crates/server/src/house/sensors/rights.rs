//! What sensors may do with the broker: each its own topics, by a certificate that the record names.

use playhouse_broker::{Credentials, Identity, Refused, Rights};
use playhouse_sense::topic;

use crate::clock::now;
use crate::house::sensors::fleet::{Fleet, Trouble};
use crate::house::sensors::foreign;

/// What a sensor may publish.
const SAYS: [&str; 4] = [topic::BATCH, topic::GLIMPSE, topic::HEALTH, topic::REPORTED];

/// What a sensor may hear.
const HEARS: [&str; 3] = [topic::DESIRED, topic::TAKEN, topic::ASK];

impl Rights for Fleet {
    fn admit(&self, who: &Credentials<'_>) -> Result<Identity, Refused> {
        let certificate = who.certificate.ok_or(Refused::BadCredentials)?;
        let member = self.get(&certificate.name).ok_or(Refused::NotAuthorized)?;
        let mut sensor = member.now();
        if !sensor.admits(&certificate.serial) {
            let why = "It came with a certificate that does not count any more: it was thrown out, or enrolled anew \
                       elsewhere.";
            sensor.troubles.count(Trouble::Refused, 1, why, now());
            return Err(Refused::NotAuthorized);
        }
        if !who.client_id.starts_with(&certificate.name) {
            let why = "It came under a client id that does not begin with its own id.";
            sensor.troubles.count(Trouble::Refused, 1, why, now());
            return Err(Refused::BadClientId);
        }
        Ok(Identity::new(&certificate.name))
    }

    fn may_publish(&self, who: &Identity, topic: &str) -> bool {
        let allowed = match topic::parse(topic) {
            Some((sensor, kind)) => sensor == who.name() && SAYS.contains(&kind),
            None => foreign::parse(topic).is_some_and(|(sensor, _)| sensor == who.name()),
        };
        let in_right = self.get(who.name()).is_some_and(|member| member.now().row.revoked.is_none());
        allowed && in_right
    }

    fn may_subscribe(&self, who: &Identity, filter: &str) -> bool {
        topic::parse(filter).is_some_and(|(sensor, kind)| sensor == who.name() && HEARS.contains(&kind))
    }
}
