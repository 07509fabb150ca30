//! The SSH key that stands for an account, and the signatures that it makes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};

/// An Ed25519 private key whose public half is registered with Encord. Cheap to clone; `Debug` shows the
/// public half only.
#[derive(Clone)]
pub struct Key {
    signing: SigningKey,
    public_hex: String,
}

/// Why a text is not a key that Encord accepts. None of the messages shows anything of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// No OpenSSH private key at all.
    #[error("expected an OpenSSH private key, found {found}")]
    NotOpenSsh {
        /// What the text seems to be.
        found: String,
    },
    /// It starts as one and does not go on as one.
    #[error("the OpenSSH private key is damaged: {reason}")]
    Damaged {
        /// What is wrong with it.
        reason: String,
    },
    /// It is encrypted and no passphrase was given.
    #[error("the private key is encrypted, and no passphrase was given")]
    PassphraseMissing,
    /// It is encrypted with another passphrase.
    #[error("the passphrase does not open the private key")]
    PassphraseWrong,
    /// Encord accepts one kind of key.
    #[error("expected an Ed25519 key, found a key of the type `{found}`")]
    NotEd25519 {
        /// OpenSSH's name of the algorithm.
        found: String,
    },
}

impl InvalidKey {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            InvalidKey::NotOpenSsh { .. } | InvalidKey::NotEd25519 { .. } => {
                "make one with `ssh-keygen -t ed25519`, register its public half with Encord, and give the private half"
            }
            InvalidKey::Damaged { .. } => {
                "give the whole file, from the line `BEGIN OPENSSH PRIVATE KEY` to the line `END OPENSSH PRIVATE KEY`"
            }
            InvalidKey::PassphraseMissing | InvalidKey::PassphraseWrong => {
                "give the passphrase that `ssh-keygen` asked for, or remove it from a copy with `ssh-keygen -p`"
            }
        }
    }
}

impl Key {
    /// Reads the text of an OpenSSH private key. `passphrase` is used only if the key is encrypted.
    ///
    /// Line breaks may be lost to the two characters `\n`, as happens to multi-line values in environment
    /// files.
    pub fn parse(text: &str, passphrase: Option<&str>) -> Result<Key, InvalidKey> {
        let text = text.trim();
        if !text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----") {
            return Err(InvalidKey::NotOpenSsh {
                found: describe(text),
            });
        }
        let unescaped;
        let text = if text.contains('\n') {
            text
        } else {
            unescaped = text.replace("\\r", "").replace("\\n", "\n");
            &unescaped
        };
        let mut key =
            PrivateKey::from_openssh(format!("{text}\n")).map_err(|error| InvalidKey::Damaged {
                reason: error.to_string(),
            })?;
        if key.is_encrypted() {
            let passphrase = passphrase.ok_or(InvalidKey::PassphraseMissing)?;
            key = key
                .decrypt(passphrase)
                .map_err(|_| InvalidKey::PassphraseWrong)?;
        }
        match key.key_data() {
            KeypairData::Ed25519(pair) => Ok(Key::from_seed(&pair.private.to_bytes())),
            other => Err(InvalidKey::NotEd25519 {
                found: other
                    .algorithm()
                    .map_or_else(|_| "unknown".to_owned(), |name| name.to_string()),
            }),
        }
    }

    /// A new random key, for the embedded project.
    pub fn generate() -> Key {
        Key::from_seed(&rand::random())
    }

    /// The key whose private half is these 32 bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Key {
        let signing = SigningKey::from_bytes(seed);
        let public_hex = hex(signing.verifying_key().as_bytes());
        Key {
            signing,
            public_hex,
        }
    }

    /// The public half as 64 lower-case hexadecimal digits, which is how Encord names a key.
    pub fn public_hex(&self) -> &str {
        &self.public_hex
    }

    /// The private key as an unencrypted OpenSSH file, with a final line break. The caller keeps it secret.
    pub fn to_openssh(&self) -> String {
        let pair = Ed25519Keypair::from_seed(&self.signing.to_bytes());
        let key = PrivateKey::new(KeypairData::Ed25519(pair), "runner-host")
            .expect("an Ed25519 key pair is a private key");
        key.to_openssh(LineEnding::LF)
            .expect("an unencrypted Ed25519 key has an OpenSSH form")
            .to_string()
    }

    /// The header `Authorization` of a version 1 request. It covers the body and nothing else.
    pub(super) fn authorization(&self, body: &[u8]) -> String {
        let signature = self.signing.sign(&Sha256::digest(body));
        format!("{}:{}", self.public_hex, hex(&signature.to_bytes()))
    }

    /// Signs a version 2 request as an HTTP message.
    ///
    /// `method` is in upper case, `target` is path and query exactly as on the request line, `created` is
    /// in seconds since 1970.
    pub(super) fn sign_message(
        &self,
        method: &str,
        target: &str,
        body: &[u8],
        created: i64,
    ) -> MessageSignature {
        let digest = format!("sha-256=:{}:", BASE64.encode(Sha256::digest(body)));
        let parameters = format!(
            "(\"@method\" \"@request-target\" \"content-digest\");created={created};keyid=\"{}\";alg=\"ed25519\"",
            self.public_hex
        );
        let base = format!(
            "\"@method\": {method}\n\"@request-target\": {target}\n\"content-digest\": {digest}\n\
             \"@signature-params\": {parameters}"
        );
        let signature = self.signing.sign(base.as_bytes());
        MessageSignature {
            content_digest: digest,
            signature_input: format!("encord-sig={parameters}"),
            signature: format!("encord-sig=:{}:", BASE64.encode(signature.to_bytes())),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Key")
            .field("public_hex", &self.public_hex)
            .finish_non_exhaustive()
    }
}

/// The headers that sign a version 2 request.
#[derive(Debug)]
pub(super) struct MessageSignature {
    pub(super) content_digest: String,
    pub(super) signature_input: String,
    pub(super) signature: String,
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// What a text seems to be, without showing any of it: it may be a secret.
fn describe(text: &str) -> String {
    let found = if text.is_empty() {
        "an empty text"
    } else if text.starts_with("ssh-") || text.starts_with("ecdsa-") {
        "a public key"
    } else if text.starts_with("-----BEGIN RSA PRIVATE KEY") {
        "an RSA key in PEM form"
    } else if text.starts_with("-----BEGIN") {
        "a PEM file of another kind"
    } else if !text.contains('\n') && text.len() < 4096 && text.contains(['/', '\\', '.', '~']) {
        "what may be a path"
    } else {
        "something else"
    };
    found.to_owned()
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
