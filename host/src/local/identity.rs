//! Identifiers that nobody wrote down, derived so that they stay equal when the state starts over.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A UUID (version 5) for a part of `scope`, for example a stage of a project.
pub(super) fn uuid(scope: Uuid, kind: &str, names: &[&str]) -> Uuid {
    Uuid::new_v5(&scope, path(kind, names).as_bytes())
}

/// A feature hash: 8 characters, as Encord's are (6 bytes in base64).
pub(super) fn feature_hash(ontology: Uuid, names: &[&str]) -> String {
    let digest = Sha256::new()
        .chain_update(ontology)
        .chain_update(path("feature", names))
        .finalize();
    URL_SAFE_NO_PAD.encode(&digest[..6])
}

/// Joined by a character that no title contains, so that two lists never give the same path.
fn path(kind: &str, names: &[&str]) -> String {
    let mut path = kind.to_owned();
    for name in names {
        path.push('\0');
        path.push_str(name);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_give_equal_identifiers_and_others_do_not() {
        let scope = Uuid::nil();
        assert_eq!(
            uuid(scope, "stage", &["Agent"]),
            uuid(scope, "stage", &["Agent"])
        );
        assert_ne!(
            uuid(scope, "stage", &["Agent"]),
            uuid(scope, "pathway", &["Agent"])
        );
        assert_ne!(
            uuid(scope, "pathway", &["ab", "c"]),
            uuid(scope, "pathway", &["a", "bc"])
        );
        assert_eq!(feature_hash(scope, &["object", "Car"]).len(), 8);
        assert_ne!(
            feature_hash(scope, &["object", "Car"]),
            feature_hash(scope, &["object", "Bus"])
        );
    }
}
