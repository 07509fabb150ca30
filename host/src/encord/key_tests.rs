//! The vectors are what Encord's own SDK produced with this seed.

use super::*;

const SEED: &str = "eafb54ef4c6767644ed8e5753e38e6cd4cc7cf818c8da67863e0a0fecf85cfe5";
const PUBLIC: &str = "0ce64c50c27fa30ddee9427f18cbe9b55ac22f649550c5995da76ca8a3eda7e4";
const CREATED: i64 = 1_750_000_000;
const STAGE: &str = "/v2/public/projects/11111111-1111-4111-8111-111111111111/workflow/stages/6011c844-fb26-438b-b465-0b0825951015";

fn key() -> Key {
    let seed: Vec<u8> = (0..32)
        .map(|byte| u8::from_str_radix(&SEED[2 * byte..2 * byte + 2], 16).expect("hexadecimal"))
        .collect();
    Key::from_seed(&seed.try_into().expect("32 bytes"))
}

#[test]
fn version_1_signature() {
    let body = r#"{"query_type": "labelrowmetadata", "query_method": "GET", "values": {"uid": null, "payload": {"data_hashes": ["ce99df93-e802-5296-aeca-09c4dac8aeb6"], "note": "caf\u00e9"}}}"#;
    assert_eq!(key().public_hex(), PUBLIC);
    assert_eq!(
        key().authorization(body.as_bytes()),
        format!(
            "{PUBLIC}:b82f9aa06af07c579e796b57d7b7320e4f1f071550d15d982af6b6d18f34ac6e803098a4a6d6aaafbb5b40aa9712870cfece67434c43b63f4c6dcf4bd1a74104"
        )
    );
}

#[test]
fn version_2_signature_of_a_post() {
    let body = r#"[{"taskUuid": "a3d980d9-6eab-531c-a9ca-bc2bcff250c7", "action": "PATHWAY_ACTION", "pathwayUuid": "49a786f3-5edf-4b94-aff0-3da9042d3bf0"}]"#;
    let signed = key().sign_message(
        "POST",
        &format!("{STAGE}/actions"),
        body.as_bytes(),
        CREATED,
    );
    assert_eq!(
        signed.content_digest,
        "sha-256=:qRoFa43n2sZoQjKkdMhDQPRuZS9jTr4EvlNzIY7PXXw=:"
    );
    assert_eq!(
        signed.signature_input,
        format!(
            r#"encord-sig=("@method" "@request-target" "content-digest");created=1750000000;keyid="{PUBLIC}";alg="ed25519""#
        )
    );
    assert_eq!(
        signed.signature,
        "encord-sig=:09J49ZQi+4vvGz9wvs4He6xNU3O7mZQNkgACMoNX6OaeSEsg3nq3a24nmeD2ck+xohyZigvYQ7wbEY+MrFfPBg==:"
    );
}

#[test]
fn version_2_signature_of_a_get() {
    for (target, signature) in [
        (
            format!(
                "{STAGE}/tasks?dataHashes=ce99df93-e802-5296-aeca-09c4dac8aeb6&dataHashes=ad549d13-39a9-5b71-bffe-58b6d4993bb6&dataTitleContains=a+b%2Fc%2Bd%26%C3%A9&pageToken=x%3D%3D"
            ),
            "encord-sig=:y641lFt3xachPwEHRow4BqYQmGzVSzzMXFOK6060wnM/nM7WcoamDSXTlG9loFiZcfcODBPxqp3sGUwA3bcEBA==:",
        ),
        (
            "/v2/public/storage/items/c0cc7b12-ba44-54a3-8862-2cf40fe547f7?signUrl=True".to_owned(),
            "encord-sig=:tqvW/ukQdgZ6qD+1ha/fY/FF0SdOXfPmw9T0jV5B3ANyNwau1o6FaRCf6ynFysRcFDqbvRqBeqZjFCzsR4PaBA==:",
        ),
    ] {
        let signed = key().sign_message("GET", &target, b"", CREATED);
        assert_eq!(
            signed.content_digest,
            "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
        );
        assert_eq!(signed.signature, signature);
    }
}

#[test]
fn openssh_text_and_back() {
    let key = Key::generate();
    let text = key.to_openssh();
    let escaped = text.trim().replace('\n', "\\n");
    let windows = text.replace('\n', "\r\n");
    for text in [&text, &format!("\n  {text}\n\n"), &escaped, &windows] {
        let read = Key::parse(text, None).expect("the key just written");
        assert_eq!(read.public_hex(), key.public_hex());
        assert_eq!(read.authorization(b"x"), key.authorization(b"x"));
    }
    // A passphrase that is not needed does no harm.
    assert!(Key::parse(&text, Some("unused")).is_ok());
    assert_ne!(Key::generate().public_hex(), key.public_hex());
}

#[test]
fn key_with_passphrase() {
    let text = include_str!("testdata/key_with_passphrase");
    let key =
        Key::parse(text, Some("correct horse")).expect("the passphrase that it was made with");
    assert_eq!(
        key.public_hex(),
        "b80e52e4fb74fef5c36bff4e3fc445c030a47e3d912277459f1d6cf3d8c73524"
    );
    let refused = |passphrase| Key::parse(text, passphrase).expect_err("encrypted");
    assert_eq!(refused(None), InvalidKey::PassphraseMissing);
    assert_eq!(refused(Some("wrong horse")), InvalidKey::PassphraseWrong);
}

#[test]
fn other_keys_are_refused_by_name() {
    assert_eq!(
        Key::parse(include_str!("testdata/key_ecdsa"), None).expect_err("ECDSA"),
        InvalidKey::NotEd25519 {
            found: "ecdsa-sha2-nistp256".to_owned()
        }
    );
    for (text, found) in [
        ("", "an empty text"),
        ("ssh-ed25519 AAAAC3Nza me@here", "a public key"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
            "an RSA key in PEM form",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nMC4C",
            "a PEM file of another kind",
        ),
        ("~/.ssh/id_ed25519", "what may be a path"),
        ("hunter2", "something else"),
    ] {
        let expected = InvalidKey::NotOpenSsh {
            found: found.to_owned(),
        };
        assert_eq!(Key::parse(text, None).expect_err(text), expected);
    }
    let cut: String = Key::generate().to_openssh().chars().take(150).collect();
    assert!(matches!(
        Key::parse(&cut, None),
        Err(InvalidKey::Damaged { .. })
    ));
}

#[test]
fn debug_shows_no_secret() {
    assert_eq!(
        format!("{:?}", key()),
        format!("Key {{ public_hex: \"{PUBLIC}\", .. }}")
    );
}
