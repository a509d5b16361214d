//! The desired half of a sensor's twin: settings with a version, changed by merge patches (RFC 7396). Pure.

use playhouse_sense::enrolment::Desired;
use playhouse_sense::settings::Settings;
use playhouse_store::sensors::Sensor;
use serde_json::Value;

/// The most bytes of settings, as JSON: what the large clouds allow.
pub(crate) const LARGEST: usize = 32 << 10;

/// Why a change cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    /// No settings come of it.
    #[error("the settings would not be any: {0}")]
    Shape(#[from] serde_json::Error),
    /// They make no sense.
    #[error("{0}")]
    Invalid(#[from] playhouse_sense::settings::Invalid),
    /// They are too long.
    #[error(
        "the settings would have {0} bytes, and {LARGEST} are possible: use fewer zones, or fewer corners"
    )]
    Long(usize),
}

/// Applies a merge patch (RFC 7396, section 2).
pub(crate) fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(target) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Settings after a patch; what it removes is as with a new sensor.
pub(crate) fn patched(settings: &str, patch: Value) -> Result<Settings, Unfit> {
    let mut value = serde_json::from_str(settings)?;
    merge(&mut value, patch);
    let settings: Settings = serde_json::from_value(value)?;
    settings.check()?;
    let length = serde_json::to_string(&settings)?.len();
    if length > LARGEST { Err(Unfit::Long(length)) } else { Ok(settings) }
}

/// What a sensor is to do.
pub(crate) fn desired(sensor: &Sensor) -> Desired {
    let settings = serde_json::from_str(&sensor.settings).unwrap_or_else(|error| {
        tracing::error!(sensor = sensor.id, %error, "what a sensor is to do cannot be read; it gets the defaults");
        Settings::default()
    });
    Desired { version: sensor.version.cast_unsigned(), settings }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn patches_merge_as_in_the_rfc() {
        for (mut target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            merge(&mut target, patch);
            assert_eq!(target, result);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_sentence() {
        assert!((patched("{}", json!({"rate": 5})).unwrap().rate - 5.0).abs() < f32::EPSILON);
        let error = patched("{}", json!({"rate": 500})).unwrap_err().to_string();
        assert!(error.contains("1 to 60"), "{error}");
        let error = patched("{}", json!({"rote": 5})).unwrap_err().to_string();
        assert!(error.contains("rote"), "{error}");
    }
}
