//! What bubblewrap says on its status pipe.

/// The last number that bubblewrap told under a name; it writes one JSON object after another.
pub(super) fn told(said: &str, name: &str) -> Option<i64> {
    let objects = serde_json::Deserializer::from_str(said).into_iter::<serde_json::Value>();
    objects.map_while(Result::ok).filter_map(|object| object.get(name)?.as_i64()).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_objects_on_the_status_pipe() {
        let said = "{ \"child-pid\": 12 }\n{\"exit-code\": 139 }\n{ \"chi";
        assert_eq!(told(said, "child-pid"), Some(12));
        assert_eq!(told(said, "exit-code"), Some(139));
        assert_eq!(told("", "child-pid"), None);
    }
}
