//! A twin is changed by what is different alone: JSON Merge Patch (RFC 7396), with a version.

use serde_json::{Map, Value};

use crate::enrolment::Desired;
use crate::settings::{Invalid, Settings};

/// The largest patch, in bytes, that anybody should take: more than the largest settings.
pub const LARGEST_PATCH: usize = 64 * 1024;

/// Why a twin is not changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Somebody else changed it meanwhile.
    #[error("these settings were changed meanwhile: they are version {is} now, not {was}; load them again")]
    Version {
        /// What the change was made from.
        was: u64,
        /// What it is.
        is: u64,
    },
    /// The result is no settings.
    #[error("these are no settings: {0}")]
    Shape(#[from] serde_json::Error),
    /// The result cannot be followed.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// Applies a patch (RFC 7396, section 2): objects are merged, `null` removes, all else replaces.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// The least patch that makes `to` of `from`. Neither has a `null` within an object, which a patch cannot say.
pub fn diff(from: &Value, to: &Value) -> Value {
    let (Value::Object(from), Value::Object(to)) = (from, to) else { return to.clone() };
    let mut patch = Map::new();
    for name in from.keys().filter(|name| !to.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, value) in to {
        match from.get(name) {
            Some(before) if before == value => {}
            Some(before @ Value::Object(_)) if value.is_object() => {
                patch.insert(name.clone(), diff(before, value));
            }
            _ => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(patch)
}

impl Desired {
    /// What it is after a patch of its settings, made from version `was`, if it matters which. The version goes up where
    /// anything changed.
    ///
    /// # Errors
    /// Why it stays as it is.
    pub fn patched(&self, was: Option<u64>, patch: &Value) -> Result<Self, Refused> {
        if let Some(was) = was.filter(|was| *was != self.version) {
            return Err(Refused::Version { was, is: self.version });
        }
        let mut settings = serde_json::to_value(&self.settings)?;
        merge(&mut settings, patch);
        let settings: Settings = serde_json::from_value(settings)?;
        settings.check()?;
        let version = self.version + u64::from(settings != self.settings);
        Ok(Self { version, settings })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn patches_do_what_the_standard_says() {
        let cases = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (mut target, patch, expected) in cases {
            merge(&mut target, &patch);
            assert_eq!(target, expected, "by {patch}");
        }
    }

    #[test]
    fn a_change_that_was_made_from_old_settings_is_refused() {
        let desired = Desired { version: 4, ..Desired::default() };
        let error = desired.patched(Some(3), &json!({"rate": 10.0})).unwrap_err();
        assert!(error.to_string().contains("version 4"), "{error}");
        let next = desired.patched(Some(4), &json!({"rate": 10.0})).unwrap();
        assert_eq!((next.version, next.settings.rate.to_bits()), (5, 10.0_f32.to_bits()));
        assert_eq!(next.patched(None, &json!({"rate": 10.0})).unwrap().version, 5, "nothing changed");
    }

    #[test]
    fn settings_that_cannot_be_followed_are_refused_by_a_sentence() {
        let refused = |patch| Desired::default().patched(None, &patch).unwrap_err().to_string();
        assert_eq!(refused(json!({"rate": 100.0})), "100 pictures a second; 1 to 60 are possible");
        assert!(refused(json!({"rats": 1})).contains("unknown field `rats`"));
        assert!(refused(json!("no")).starts_with("these are no settings"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0_i32..5).prop_map(Value::from),
            "[ab]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_difference_makes_one_of_the_other(from in any_json(), to in any_json()) {
            let mut target = from.clone();
            merge(&mut target, &diff(&from, &to));
            prop_assert_eq!(target, to);
        }

        #[test]
        fn a_patch_that_was_applied_changes_nothing_more(mut target in any_json(), patch in any_json()) {
            merge(&mut target, &patch);
            let once = target.clone();
            merge(&mut target, &patch);
            prop_assert_eq!(target, once);
        }
    }
}
