//! What of SRT is ours: the stream id, by which a publisher says its key (SRT access control guidelines).

/// The key in a stream id: all of it, or the resource of the keyed form (`#!::m=publish,r=KEY`). Empty where there is none.
pub fn key_of(stream_id: &str) -> &str {
    match stream_id.strip_prefix("#!::") {
        Some(pairs) => pairs.split(',').find_map(|pair| pair.strip_prefix("r=")).unwrap_or_default(),
        None => stream_id,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_found_in_both_forms_of_a_stream_id() {
        assert_eq!(key_of("secret"), "secret");
        assert_eq!(key_of("#!::m=publish,r=secret"), "secret");
        assert_eq!(key_of("#!::r=secret,m=publish"), "secret");
        assert_eq!(key_of("#!::m=publish"), "");
    }

    proptest! {
        #[test]
        fn rubbish_is_survived(stream_id in "(#!::)?[a-z=,#!:é]{0,40}") {
            let key = key_of(&stream_id);
            prop_assert!(stream_id.ends_with(key) || !key.contains(','));
        }
    }
}
